-- Generated from Alembic's 0007_which_programs_it_is_for.py by `make d1-migrations`; do not edit.

CREATE TABLE schema_compatibility (
    oldest_program TEXT NOT NULL,
    PRIMARY KEY (oldest_program)
);

INSERT INTO schema_compatibility (oldest_program) VALUES ('0007');

UPDATE alembic_version SET version_num='0007' WHERE alembic_version.version_num = '0006';
