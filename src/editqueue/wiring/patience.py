"""How long a call to the bucket may take, out of the time that a job has."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from editqueue.adapters.bucket.reader import ObjectReaders
from editqueue.adapters.bucket.s3.client import S3Client

RETRIES: Final = 2
"""Of one call, by the storage client itself, before it counts as an attempt of the job."""
SHARE: Final = 0.5
"""Of a job's time that one call may use up at its worst. Two calls that need all of it are an outage: then the
job's own limit ends the attempt."""
MOST: Final = timedelta(seconds=60)
LONGEST_PAUSE: Final = timedelta(seconds=2)


def consumers_client(client: S3Client, job_timeout: timedelta) -> S3Client:
    """What fits into SHARE of `job_timeout`: with the usual 300 s, 48 s for a request, and 150 s for a whole call."""
    pause = min(LONGEST_PAUSE, job_timeout / 50)
    request = min((job_timeout * SHARE - RETRIES * pause) / (1 + RETRIES), MOST)
    return replace(client, timeout=request, max_retries=RETRIES, longest_pause=pause)


def workers_readers(client: S3Client, job_timeout: timedelta) -> ObjectReaders:
    """All waits for one file fit into 4/5 of `job_timeout`: slow storage must end in an error of the storage."""
    request = min(job_timeout / 5, MOST)
    return ObjectReaders(backend=replace(client, timeout=request, retry_timeout=request), patience=2 * request)
