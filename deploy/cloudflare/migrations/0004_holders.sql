-- Generated from Alembic's 0004_holders.py by `make d1-migrations`; do not edit.

ALTER TABLE edit_jobs ADD COLUMN holder TEXT;

CREATE TABLE consumers (
    name TEXT NOT NULL,
    PRIMARY KEY (name)
);

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';
