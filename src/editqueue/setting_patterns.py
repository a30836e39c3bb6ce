"""How settings are called, and what URLs and Cloudflare's ids look like in them."""

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
_OTHERS: Final = ("r2_", "cloudflare_", "jwt_", "allowed_", "feature_", "otel_")
"""How the names of settings begin that not only this program reads."""
_D1: Final = re.compile(r"d1://([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def name_of(field: str) -> str:
    """The name of a setting in the environment."""
    name = field.removeprefix("given_")
    return (name if name.startswith(_OTHERS) else f"editqueue_{name}").upper()


def d1_database_id(url: str) -> str | None:
    """The id in d1://ID; None for any other URL."""
    found = _D1.fullmatch(url.lower())
    return found[1] if found else None


def is_postgres(url: str) -> bool:
    return re.match(r"postgres(ql)?://.", url) is not None


def is_url(value: str) -> bool:
    """False for what no URL parser takes, such as a port that is no number."""
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False
