-- Generated from Alembic's 0003_lanes_and_pauses.py by `make d1-migrations`; do not edit.

CREATE TABLE consumer_pauses (
    consumer TEXT NOT NULL,
    ground TEXT NOT NULL,
    reason TEXT NOT NULL,
    since BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (consumer)
);

CREATE TABLE job_starts (
    id INTEGER NOT NULL,
    starts BIGINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT one_row CHECK (id = 1)
);

INSERT INTO job_starts (id, starts) VALUES (1, 0);

UPDATE alembic_version SET version_num='0003' WHERE alembic_version.version_num = '0002';
