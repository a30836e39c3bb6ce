"""Which right of an API token a call needs, in the dashboard's words."""

import re

WHERE = "dash.cloudflare.com > My Profile > API Tokens > the token > Edit"
RIGHTS = (
    ("/d1/", "Account > D1 > Edit"),
    ("/r2/", "Account > Workers R2 Storage > Edit"),
    ("/queues", "Account > Queues > Edit"),
    ("/workers/", "Account > Workers Scripts > Edit"),
    ("/tokens", "Account > Account API Tokens > Edit"),
)
"""By a part of the path below the account; the first that fits."""
ACCOUNT_PREFIX = re.compile(r".*/accounts/[0-9a-f]{32}(?=/)")


def right_for(path: str) -> str:
    below = ACCOUNT_PREFIX.sub("", path)
    return next((right for part, right in RIGHTS if part in f"{below}/"), "Account > Account Settings > Read")


def missing_right(path: str) -> str:
    """One line: which right, and where to give it."""
    right = right_for(path)
    remedy = f"CLOUDFLARE_API_TOKEN lacks the right {right}: give it at {WHERE}"
    if "/tokens" not in path:
        return remedy
    return (
        f"{remedy}, or make the keys yourself (R2 > Manage API tokens: Object Read & Write, this bucket only) and give "
        "them as R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY"
    )
