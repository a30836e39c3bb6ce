"""The first half of an upload: a signed URL to PUT the original to."""

import re
import unicodedata
from dataclasses import dataclass

from editqueue.domain.errors import Invalid
from editqueue.domain.files import Upload
from editqueue.domain.keys import ObjectKeys, check_segment, new_object_name
from editqueue.ports import Ports
from editqueue.ports.bucket import SignedPut
from editqueue.use_cases.customer.access import own_order

CLIPS = frozenset({"video/mp4", "video/quicktime"})
MAX_FILENAME = 255
_SPACES = "Zs"
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_IMAGE = re.compile(r"image/[a-z0-9][a-z0-9.+-]{0,100}")


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedUpload:
    object_key: str
    signed: SignedPut


async def start_upload(
    *, order_id: str, user_id: str, filename: str, mime: str, room_type: str | None, stack_id: str | None, ports: Ports
) -> StartedUpload:
    """Promise a place for a file. Raises OrderNotFound, Forbidden, or Invalid naming the field.

    An id too long for an object key is invalid, too: of the user (`sub`, as the token calls it) and of the order.
    """
    content_type = _checked_mime(mime)
    name = displayed_name(filename)
    check_segment(user_id, name="sub")
    await own_order(order_id, user_id=user_id, store=ports.store)
    check_segment(order_id, name="order_id")
    key = ObjectKeys(user_id, order_id, new_object_name(name)).raw
    upload = Upload(
        object_key=key,
        order_id=order_id,
        user_id=user_id,
        filename=name,
        mime=content_type,
        room_type=room_type,
        stack_id=stack_id,
        created_at=ports.clock.now(),
    )
    await ports.store.record_upload(upload)
    limits = ports.limits
    signed = await ports.bucket.sign_put(
        key, content_type=content_type, max_bytes=limits.max_upload_bytes, expires_in=limits.signed_url
    )
    return StartedUpload(object_key=key, signed=signed)


def displayed_name(filename: str) -> str:
    """The name as shown: its last path segment, spaces made plain (macOS puts narrow ones into names).

    Raises Invalid for what nobody should have to look at: control characters, NUL, text-direction marks (they
    make `gpj.exe` look like `exe.jpg`), lone surrogates, and names that are empty or over 255 characters.
    """
    last = filename.replace("\\", "/").rpartition("/")[2]
    name = "".join(" " if unicodedata.category(letter) == _SPACES else letter for letter in last).strip(" ")
    if not name or name in {".", ".."}:
        raise Invalid("filename must name a file, for example IMG_0001.jpg", field="filename")
    if len(name) > MAX_FILENAME:
        raise Invalid(f"filename has {len(name)} characters; at most {MAX_FILENAME} fit", field="filename")
    if any(letter in _DIRECTION or unicodedata.category(letter) in _UNSEEN for letter in name):
        raise Invalid("filename holds control or text-direction characters; remove them", field="filename")
    return name


def _checked_mime(mime: str) -> str:
    content_type = mime.strip().lower()
    if content_type in CLIPS or _IMAGE.fullmatch(content_type):
        return content_type
    raise Invalid("mime must be image/*, video/mp4 or video/quicktime", field="mime")
