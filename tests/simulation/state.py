"""What must be true of rows and objects at every moment, whatever led to it."""

from collections.abc import Iterator
from typing import Final

from editqueue.domain.keys import ObjectKeys
from tests.simulation.bucket import Shelf
from tests.simulation.disk import Disk
from tests.simulation.pictures import expected_preview

_STATE: Final = """
SELECT 'promise 4: more than one active job' AS broken, file_id AS id FROM edit_jobs
WHERE status IN ('queued', 'in_progress') GROUP BY file_id HAVING count(*) > 1
UNION ALL
SELECT 'promise 7: locked, but no job in progress, or the reverse', id FROM files
WHERE locked <> (SELECT count(*) FROM edit_jobs WHERE file_id = files.id AND status = 'in_progress')
UNION ALL
SELECT 'promise 7: the lock and the status of a file differ', id FROM files WHERE locked <> (status = 'in_progress')
UNION ALL
SELECT 'promise 7: a deleted file is worked on', files.id FROM files JOIN edit_jobs ON edit_jobs.file_id = files.id
WHERE deleted_at IS NOT NULL AND edit_jobs.status IN ('queued', 'in_progress')
UNION ALL
SELECT 'promise 12: a job is queued, its file is not', files.id FROM edit_jobs JOIN files ON files.id = file_id
WHERE edit_jobs.status = 'queued' AND files.status <> 'queued'
UNION ALL
SELECT 'promise 1: not one notification for one end', edit_jobs.id
FROM edit_jobs LEFT JOIN notifications ON job_id = edit_jobs.id
GROUP BY edit_jobs.id
HAVING count(job_id) <> (edit_jobs.finished_at IS NOT NULL AND error IS NOT 'file deleted')
UNION ALL
SELECT 'promise 1: a notification of the wrong kind', edit_jobs.id
FROM edit_jobs JOIN notifications ON job_id = edit_jobs.id
WHERE (type = 'edit_done') <> (edit_jobs.status = 'done')
UNION ALL
SELECT 'promise 12: the counts are not the rows', 'counts' FROM counts WHERE
    jobs_done <> (SELECT count(*) FROM edit_jobs WHERE status = 'done')
    OR jobs_failed <> (SELECT count(*) FROM edit_jobs WHERE status = 'failed')
    OR files_there <> (SELECT count(*) FROM files WHERE deleted_at IS NULL)
    OR files_done <> (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'done')
    OR files_failed <> (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'failed')
"""
_PUBLISHED: Final = """
SELECT id, object_key FROM files WHERE preview_url IS NOT NULL AND expiring_at IS NULL AND deleted_at IS NULL
"""
_GAVE_UP: Final = """
SELECT id FROM edit_jobs WHERE status = 'failed' AND attempts < 4
    AND error NOT LIKE 'broken_picture%' AND error NOT LIKE 'raw_missing%' AND error <> 'file deleted'
"""


def broken_rows(disk: Disk) -> Iterator[tuple[str, str]]:
    """The promises that do not hold, and the ids of the rows."""
    for row in disk.rows(_STATE):
        yield row["broken"], row["id"]


def wrong_objects(disk: Disk, shelf: Shelf) -> Iterator[tuple[str, str]]:
    """The files that are published, and each key of theirs behind which is not what should be."""
    for row in disk.rows(_PUBLISHED):
        keys = ObjectKeys.from_raw(row["object_key"])
        raw = shelf.objects.get(keys.raw)
        for key in (keys.processed, keys.preview):
            there = shelf.objects.get(key)
            if there is None:
                yield row["id"], key
            elif raw is not None:  # it may have vanished since
                expected = raw.body if key == keys.processed else expected_preview(raw.body)
                if there.body != expected:
                    yield row["id"], key


def given_up_early(disk: Disk) -> Iterator[str]:
    """The ids of jobs that failed with attempts left, though nothing was wrong with the file."""
    for row in disk.rows(_GAVE_UP):
        yield row["id"]


def astray(disk: Disk, shelf: Shelf) -> Iterator[str]:
    """The keys of objects that were made for no file."""
    known: set[str] = set()
    for row in disk.rows("SELECT object_key FROM files"):
        keys = ObjectKeys.from_raw(row["object_key"])
        known |= {keys.processed, keys.preview}
    for key in shelf.objects:
        if ("/processed/" in key or "/preview/" in key) and key not in known:
            yield key
