"""What a wake-up says on the wire: `{"job_id": "..."}` as JSON, and nothing else."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from typing import cast

MOST_MESSAGES = 100
MOST_BYTES = 256_000
"""Of one batch (developers.cloudflare.com/queues/platform/limits); KB are 1000 bytes there."""
METADATA_BYTES = 100
"""About what Cloudflare counts with each message."""
_ENVELOPE_BYTES = 64
_LONGEST = 1024
"""Characters; what we send has under 100. JSON that nests thousands of levels deep would end Python in a Worker."""
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def encode(job_id: str) -> dict[str, str]:
    return {"job_id": job_id}


def decode(body: str | None, *, content_type: object) -> str | None:
    """The job that a pulled message names; None if it is not one of ours.

    `json` and `bytes` arrive in base64, `text` as it was sent, `v8` cannot be read outside of Workers.
    """
    if body is None or content_type == "v8" or len(body) > _LONGEST:
        return None
    try:
        text = body if content_type == "text" else base64.b64decode(body, validate=True).decode()
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    job_id = cast("dict[str, object]", said).get("job_id") if isinstance(said, dict) else None
    return job_id if isinstance(job_id, str) and _ID.fullmatch(job_id) else None


def batches(job_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """`job_ids` in pieces that one call may send."""
    batch: list[str] = []
    size = 0
    for job_id in job_ids:
        weight = len(json.dumps(job_id)) + METADATA_BYTES + _ENVELOPE_BYTES
        if batch and (len(batch) == MOST_MESSAGES or size + weight > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(job_id)
        size += weight
    if batch:
        yield batch
