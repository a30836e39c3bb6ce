-- Generated from Alembic's 0005_counts.py by `make d1-migrations`; do not edit.

CREATE TABLE counts (
    jobs_done BIGINT NOT NULL,
    jobs_failed BIGINT NOT NULL,
    files_there BIGINT NOT NULL,
    files_uploaded BIGINT NOT NULL,
    files_done BIGINT NOT NULL,
    files_failed BIGINT NOT NULL
);

CREATE TRIGGER count_files_insert AFTER INSERT ON files
WHEN 0 + (new.deleted_at IS NULL AND TRUE) <> 0 OR 0 + (new.deleted_at IS NULL AND new.status = 'uploaded') <> 0 OR 0 + (new.deleted_at IS NULL AND new.status = 'done') <> 0 OR 0 + (new.deleted_at IS NULL AND new.status = 'failed') <> 0
BEGIN UPDATE counts SET files_there = files_there + (new.deleted_at IS NULL AND TRUE), files_uploaded = files_uploaded + (new.deleted_at IS NULL AND new.status = 'uploaded'), files_done = files_done + (new.deleted_at IS NULL AND new.status = 'done'), files_failed = files_failed + (new.deleted_at IS NULL AND new.status = 'failed'); END;

CREATE TRIGGER count_files_update AFTER UPDATE OF status, deleted_at ON files
WHEN 0 + (new.deleted_at IS NULL AND TRUE) - (old.deleted_at IS NULL AND TRUE) <> 0 OR 0 + (new.deleted_at IS NULL AND new.status = 'uploaded') - (old.deleted_at IS NULL AND old.status = 'uploaded') <> 0 OR 0 + (new.deleted_at IS NULL AND new.status = 'done') - (old.deleted_at IS NULL AND old.status = 'done') <> 0 OR 0 + (new.deleted_at IS NULL AND new.status = 'failed') - (old.deleted_at IS NULL AND old.status = 'failed') <> 0
BEGIN UPDATE counts SET files_there = files_there + (new.deleted_at IS NULL AND TRUE) - (old.deleted_at IS NULL AND TRUE), files_uploaded = files_uploaded + (new.deleted_at IS NULL AND new.status = 'uploaded') - (old.deleted_at IS NULL AND old.status = 'uploaded'), files_done = files_done + (new.deleted_at IS NULL AND new.status = 'done') - (old.deleted_at IS NULL AND old.status = 'done'), files_failed = files_failed + (new.deleted_at IS NULL AND new.status = 'failed') - (old.deleted_at IS NULL AND old.status = 'failed'); END;

CREATE TRIGGER count_files_delete AFTER DELETE ON files
WHEN 0 - (old.deleted_at IS NULL AND TRUE) <> 0 OR 0 - (old.deleted_at IS NULL AND old.status = 'uploaded') <> 0 OR 0 - (old.deleted_at IS NULL AND old.status = 'done') <> 0 OR 0 - (old.deleted_at IS NULL AND old.status = 'failed') <> 0
BEGIN UPDATE counts SET files_there = files_there - (old.deleted_at IS NULL AND TRUE), files_uploaded = files_uploaded - (old.deleted_at IS NULL AND old.status = 'uploaded'), files_done = files_done - (old.deleted_at IS NULL AND old.status = 'done'), files_failed = files_failed - (old.deleted_at IS NULL AND old.status = 'failed'); END;

CREATE TRIGGER count_edit_jobs_insert AFTER INSERT ON edit_jobs
WHEN 0 + (TRUE AND new.status = 'done') <> 0 OR 0 + (TRUE AND new.status = 'failed') <> 0
BEGIN UPDATE counts SET jobs_done = jobs_done + (TRUE AND new.status = 'done'), jobs_failed = jobs_failed + (TRUE AND new.status = 'failed'); END;

CREATE TRIGGER count_edit_jobs_update AFTER UPDATE OF status ON edit_jobs
WHEN 0 + (TRUE AND new.status = 'done') - (TRUE AND old.status = 'done') <> 0 OR 0 + (TRUE AND new.status = 'failed') - (TRUE AND old.status = 'failed') <> 0
BEGIN UPDATE counts SET jobs_done = jobs_done + (TRUE AND new.status = 'done') - (TRUE AND old.status = 'done'), jobs_failed = jobs_failed + (TRUE AND new.status = 'failed') - (TRUE AND old.status = 'failed'); END;

CREATE TRIGGER count_edit_jobs_delete AFTER DELETE ON edit_jobs
WHEN 0 - (TRUE AND old.status = 'done') <> 0 OR 0 - (TRUE AND old.status = 'failed') <> 0
BEGIN UPDATE counts SET jobs_done = jobs_done - (TRUE AND old.status = 'done'), jobs_failed = jobs_failed - (TRUE AND old.status = 'failed'); END;

INSERT INTO counts (jobs_done, jobs_failed, files_there, files_uploaded, files_done, files_failed) SELECT (SELECT count(*) FROM edit_jobs WHERE TRUE AND status = 'done'), (SELECT count(*) FROM edit_jobs WHERE TRUE AND status = 'failed'), (SELECT count(*) FROM files WHERE deleted_at IS NULL AND TRUE), (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'uploaded'), (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'done'), (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'failed');

DROP INDEX jobs_done;

DROP INDEX jobs_claimed;

DROP INDEX files_by_order_status;

DROP INDEX files_locked;

UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';
