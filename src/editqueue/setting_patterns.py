"""What URLs and Cloudflare's ids look like in settings."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

CLOUDFLARE: Final[Mapping[str, tuple[str, str]]] = {
    "cloudflare_account_id": (r"[0-9a-fA-F]{32}", "an account id (32 hex digits)"),
    "cloudflare_queue_id": (
        r"[0-9a-fA-F]{32}",
        "a queue id (32 hex digits; `wrangler queues list` shows the id beside the name)",
    ),
    "cloudflare_api_token": (r"[!-~]+", "a token (printable, no spaces)"),
}
"""By field: the pattern that it matches, and what that is in words."""
_D1: Final = re.compile(r"d1://([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def d1_database_id(url: str) -> str | None:
    """The id in d1://ID; None for any other URL."""
    found = _D1.fullmatch(url.lower())
    return found[1] if found else None


def is_url(value: str) -> bool:
    """False for what no URL parser takes, such as a port that is no number."""
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False
