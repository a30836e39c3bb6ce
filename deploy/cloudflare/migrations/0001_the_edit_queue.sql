-- Generated from Alembic's 0001_the_edit_queue.py by `make d1-migrations`; do not edit.

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE notifications (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    type TEXT NOT NULL,
    message TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT notification_type CHECK (type IN ('edit_done','revision_required')),
    UNIQUE (job_id)
);

CREATE INDEX notifications_by_user ON notifications (user_id, id);

CREATE TABLE orders (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    title TEXT NOT NULL,
    shootcode TEXT NOT NULL,
    notes TEXT,
    last_index INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE files (
    id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    object_key TEXT NOT NULL,
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    room_type TEXT,
    stack_id TEXT,
    position INTEGER NOT NULL,
    ver INTEGER NOT NULL,
    status TEXT NOT NULL,
    locked BOOLEAN NOT NULL,
    marked BOOLEAN NOT NULL,
    approved BOOLEAN NOT NULL,
    preview_url TEXT,
    exif_meta TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    finished_at BIGINT,
    expiring_at BIGINT,
    PRIMARY KEY (id),
    CONSTRAINT locked_only_in_progress CHECK (NOT locked OR status = 'in_progress'),
    CONSTRAINT file_status CHECK (status IN ('uploaded','queued','in_progress','done','failed')),
    FOREIGN KEY(order_id) REFERENCES orders (id),
    UNIQUE (object_key),
    CONSTRAINT one_file_per_position UNIQUE (order_id, position)
);

CREATE INDEX files_by_order_status ON files (order_id, status);

CREATE INDEX files_locked ON files (id) WHERE locked;

CREATE INDEX files_to_expire ON files (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE uploads (
    object_key TEXT NOT NULL,
    order_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    basename TEXT NOT NULL,
    filename TEXT NOT NULL,
    mime TEXT NOT NULL,
    room_type TEXT,
    stack_id TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (object_key),
    FOREIGN KEY(order_id) REFERENCES orders (id),
    CONSTRAINT one_basename_per_order UNIQUE (order_id, basename)
);

CREATE TABLE edit_jobs (
    id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    run_after BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    error TEXT,
    attempts INTEGER NOT NULL,
    token TEXT NOT NULL,
    express BOOLEAN NOT NULL,
    note TEXT,
    bytes_copied BIGINT,
    PRIMARY KEY (id),
    CONSTRAINT ended_has_a_time CHECK ((status IN ('done','failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT running_has_a_start CHECK (status <> 'in_progress' OR started_at IS NOT NULL),
    CONSTRAINT job_status CHECK (status IN ('queued','in_progress','done','failed')),
    FOREIGN KEY(file_id) REFERENCES files (id)
);

CREATE INDEX jobs_backlog ON edit_jobs (user_id, express, turn) WHERE status = 'queued';

CREATE INDEX jobs_by_order ON edit_jobs (order_id, id);

CREATE UNIQUE INDEX jobs_claimed ON edit_jobs (token) WHERE status = 'in_progress';

CREATE INDEX jobs_ready ON edit_jobs (express DESC, turn, id, run_after) WHERE status = 'queued';

CREATE INDEX jobs_running ON edit_jobs (started_at) WHERE status = 'in_progress';

CREATE UNIQUE INDEX one_active_job_per_file ON edit_jobs (file_id) WHERE status IN ('queued','in_progress');

INSERT INTO alembic_version (version_num) VALUES ('0001') RETURNING version_num;
