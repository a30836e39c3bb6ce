"""What must be sent with an upload to a signed URL, whoever takes it."""

from collections.abc import Mapping
from typing import Final

WRITTEN_ONCE: Final = {"If-None-Match": "*"}
"""No object is replaced: where there is one, the answer is 412."""


def upload_headers(content_type: str) -> Mapping[str, str]:
    return {"Content-Type": content_type, **WRITTEN_ONCE}
