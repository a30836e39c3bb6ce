-- Generated from Alembic's 0006_attempts.py by `make d1-migrations`; do not edit.

CREATE INDEX orders_by_user ON orders (user_id);

CREATE TABLE attempts (
    job_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    number INTEGER NOT NULL,
    consumer TEXT,
    began_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    ended_by TEXT NOT NULL,
    error TEXT,
    run_after BIGINT,
    PRIMARY KEY (job_id, place),
    CONSTRAINT attempt_end CHECK (ended_by IN ('retry','fail','hand_back','stale','taken_over')),
    FOREIGN KEY(job_id) REFERENCES edit_jobs (id) ON DELETE CASCADE
);

CREATE INDEX attempts_by_end ON attempts (ended_at);

UPDATE alembic_version SET version_num='0006' WHERE alembic_version.version_num = '0005';
