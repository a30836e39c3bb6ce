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

INSERT INTO counts (jobs_done, jobs_failed, files_there, files_uploaded, files_done, files_failed) SELECT jobs_done - counted_jobs_done AS jobs_done, jobs_failed - counted_jobs_failed AS jobs_failed, files_there - counted_files_there AS files_there, files_uploaded - counted_files_uploaded AS files_uploaded, files_done - counted_files_done AS files_done, files_failed - counted_files_failed AS files_failed FROM (SELECT (SELECT count(*) FROM edit_jobs WHERE status = 'done') AS jobs_done, (SELECT count(*) FROM edit_jobs WHERE status = 'failed') AS jobs_failed) AS of_jobs, (SELECT COALESCE(sum(CASE WHEN TRUE THEN 1 END), 0) AS files_there, COALESCE(sum(CASE WHEN status = 'uploaded' THEN 1 END), 0) AS files_uploaded, COALESCE(sum(CASE WHEN status = 'done' THEN 1 END), 0) AS files_done, COALESCE(sum(CASE WHEN status = 'failed' THEN 1 END), 0) AS files_failed FROM files WHERE deleted_at IS NULL) AS of_files, (SELECT COALESCE(sum(jobs_done), 0) AS counted_jobs_done, COALESCE(sum(jobs_failed), 0) AS counted_jobs_failed, COALESCE(sum(files_there), 0) AS counted_files_there, COALESCE(sum(files_uploaded), 0) AS counted_files_uploaded, COALESCE(sum(files_done), 0) AS counted_files_done, COALESCE(sum(files_failed), 0) AS counted_files_failed FROM counts) AS counted;

DROP INDEX jobs_done;

DROP INDEX jobs_claimed;

DROP INDEX files_by_order_status;

DROP INDEX files_locked;

UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';
