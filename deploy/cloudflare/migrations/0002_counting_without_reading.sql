-- Generated from Alembic's 0002_counting_without_reading.py by `make d1-migrations`; do not edit.

CREATE INDEX jobs_done ON edit_jobs (status) WHERE status = 'done';

CREATE INDEX jobs_failed ON edit_jobs (id) WHERE status = 'failed';

DROP INDEX files_by_order_status;

CREATE INDEX files_by_order_status ON files (order_id, status) WHERE deleted_at IS NULL;

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';
