"""A link to the preview that works for five minutes."""

from dataclasses import dataclass
from datetime import datetime

from editqueue.domain.errors import PreviewNotFound
from editqueue.ports import Ports
from editqueue.use_cases.customer.access import own_file


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPreview:
    url: str
    expires_at: datetime


async def sign_preview(file_id: str, *, user_id: str, ports: Ports) -> SignedPreview:
    """Raises FileNotFound, Forbidden, or PreviewNotFound while there is none."""
    file = await own_file(file_id, user_id=user_id, store=ports.store)
    if file.preview_url is None:
        raise PreviewNotFound(f"file {file_id} has no preview yet", ids=[file_id])
    expires_at = ports.clock.now() + ports.limits.signed_url
    url = await ports.bucket.sign_get(file.keys.preview, expires_in=ports.limits.signed_url)
    return SignedPreview(url=url, expires_at=expires_at)
