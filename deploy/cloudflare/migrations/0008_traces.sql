-- Generated from Alembic's 0008_traces.py by `make d1-migrations`; do not edit.

CREATE TABLE traces (
    job_id TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    PRIMARY KEY (job_id),
    FOREIGN KEY(job_id) REFERENCES edit_jobs (id) ON DELETE CASCADE
);

UPDATE alembic_version SET version_num='0008' WHERE alembic_version.version_num = '0007';
