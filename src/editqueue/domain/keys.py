"""Object keys: the only place that builds or reads them.

user/{uid}/orders/{order_id}/raw/{name}
user/{uid}/orders/{order_id}/processed/{name}
user/{uid}/orders/{order_id}/preview/{basename}.jpg
"""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from editqueue.domain.errors import Invalid

MAX_STEM = 60
"""Characters of the customer's file name kept in the object name."""
LONGEST_USER_ID = 128
"""Characters."""
LONGEST_SEGMENT = 240
"""Bytes that a key has for a user's or an order's id: a file system's names end at 255, a whole key of R2 at 1,024."""
_RAW_KEY = re.compile(
    r"user/(?P<user>[^/]+)/orders/(?P<order>[^/]+)/raw/(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*(\.[a-z0-9]+)?)"
)


@dataclass(frozen=True, slots=True)
class ObjectKeys:
    """The three keys of one file."""

    user_id: str
    order_id: str
    name: str

    @property
    def raw(self) -> str:
        return f"{self._order}/raw/{self.name}"

    @property
    def processed(self) -> str:
        return f"{self._order}/processed/{self.name}"

    @property
    def preview(self) -> str:
        return f"{self._order}/preview/{self.name.partition('.')[0]}.jpg"

    @property
    def _order(self) -> str:
        return f"user/{_segment(self.user_id)}/orders/{_segment(self.order_id)}"

    @classmethod
    def from_raw(cls, key: str) -> "ObjectKeys":
        """The keys of the file whose RAW is at `key`. Raises Invalid for any other kind of key."""
        found = _RAW_KEY.fullmatch(key)
        if found is None:
            raise Invalid("object_key is not a key made by /api/uploads/intent", field="object_key")
        return cls(unquote(found["user"]), unquote(found["order"]), found["name"])


def new_object_name(filename: str) -> str:
    """A safe object name for a customer's file name, unique by its random end.

    ASCII letters, digits, `-` and `_`, one dot before the extension; the basename carries 60 random bits,
    so that IMG_1.CR2 and IMG_1.JPG never meet at one preview key (the database refuses it, too).
    """
    stem, _, extension = filename.replace("\\", "/").rpartition("/")[2].rpartition(".")
    if not stem:
        stem, extension = extension, ""
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-_")[:MAX_STEM] or "file"
    suffix = re.sub(r"[^a-z0-9]", "", extension.lower())[:8]
    name = f"{safe}-{secrets.token_hex(8)[:15]}"
    return f"{name}.{suffix}" if suffix else name


def is_user_id(value: str) -> bool:
    return 0 < len(value) <= LONGEST_USER_ID and value.isprintable()


def check_user_id(user_id: str, *, name: str = "user_id") -> None:
    """Raises Invalid, calling it `name`, for an id that is none, or that no object key can hold."""
    if not is_user_id(user_id):
        raise Invalid(f"{name} must be 1 to {LONGEST_USER_ID} printable characters", field=name)
    check_segment(user_id, name=name)


def check_segment(value: str, *, name: str) -> None:
    """Raises Invalid, calling it `name`, for an id that no object key can hold."""
    size = len(_segment(value))
    if size > LONGEST_SEGMENT:
        raise Invalid(
            f"{name} takes {size} bytes in an object key, where all but ASCII letters, digits and -_~ takes "
            f"three for each byte of UTF-8; at most {LONGEST_SEGMENT} fit: use a shorter id",
            field=name,
        )


def basename(object_name: str) -> str:
    return object_name.partition(".")[0]


def preview_pointer(bucket: str, keys: ObjectKeys) -> str:
    """What `preview_url` holds."""
    return f"r2://{bucket}/{keys.preview}"


@lru_cache(1024)
def _segment(value: str) -> str:
    """One path segment, whatever the id: `.` and `/` can never climb out of the prefix."""
    return quote(value, safe="").replace(".", "%2E")
