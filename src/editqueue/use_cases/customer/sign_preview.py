"""A link to the preview that works for five minutes."""

from dataclasses import dataclass
from datetime import datetime

from editqueue.domain.errors import PreviewNotFound
from editqueue.domain.keys import ObjectKeys
from editqueue.ports import Limits
from editqueue.ports.bucket import Bucket
from editqueue.ports.job_store import JobStore
from editqueue.ports.time import Clock
from editqueue.use_cases.customer.access import own_file


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPreview:
    url: str
    expires_at: datetime


async def sign_preview(
    file_id: str, *, user_id: str, store: JobStore, bucket: Bucket, clock: Clock, limits: Limits
) -> SignedPreview:
    """Raises FileNotFound, Forbidden, or PreviewNotFound while there is none."""
    file = await own_file(file_id, user_id=user_id, store=store)
    if file.preview_url is None:
        raise PreviewNotFound(f"file {file_id} has no preview yet", ids=[file_id])
    expires_at = clock.now() + limits.signed_url
    url = await bucket.sign_get(ObjectKeys.from_raw(file.object_key).preview, expires_in=limits.signed_url)
    return SignedPreview(url=url, expires_at=expires_at)
