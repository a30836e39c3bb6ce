"""The label values that there can be.

Each has its series from the start, at 0: from nothing to 1 is no increase to Prometheus, and the first error of a kind
would go unseen.
"""

from typing import Final

GROUNDS: Final = ("database", "bucket", "images")
"""What every job stands on, as `Journal.paused` names it."""
TRANSITIONS: Final = (
    ("queued", "submit"),
    ("queued", "revision"),
    ("queued", "retry by hand"),
    ("in_progress", "claim"),
    ("done", "finish"),
    ("failed", "fail"),
    ("queued", "retry"),
    ("queued", "hand_back"),
    ("queued", "taken_over"),
    ("queued", "stale"),
    ("failed", "taken_over"),
    ("failed", "stale"),
    ("failed", "file deleted"),
    ("failed", "cancel by hand"),
)
"""The status that is entered, and the cause."""
RESULTS: Final = ("done", "failed", "retry", "handed_back", "claim_lost")
"""Of attempts."""
ERROR_CODES: Final = (
    "broken_picture",
    "claim_lost",
    "deadline_exceeded",
    "ground_lost",
    "image_worker_died",
    "internal_error",
    "job_timed_out",
    "no_image_worker",
    "no_tool_for_format",
    "not_a_picture",
    "object_missing",
    "over_limit",
    "permanent",
    "processing_error",
    "queue_refused",
    "queue_unavailable",
    "raw_missing",
    "storage_unavailable",
    "transient",
)
"""Those that stand in the error log; a `setup` ends the program instead."""
FAILURE_CODES: Final = (
    "broken_picture",
    "image_worker_died",
    "internal_error",
    "job_timed_out",
    "not_a_picture",
    "over_limit",
    "permanent",
    "raw_missing",
    "storage_unavailable",
)
"""Those by which attempts fail; others are possible, and seldom."""
WARNINGS: Final = (
    "bucket_not_confirmed",
    "claim_lost",
    "clock_skew",
    "clocks_differ",
    "consumer_lock_missing",
    "database_session_back",
    "database_session_lost",
    "expired_too_late",
    "left_to_the_sweep",
    "message_not_ours",
    "messages_not_sent",
    "placeholder_preview",
    "queue_not_confirmed",
    "schema_is_newer",
    "schema_is_older",
    "traces_not_joined",
    "traces_not_sent",
)
"""Those of a server; pauses and lost lines have metrics of their own."""
