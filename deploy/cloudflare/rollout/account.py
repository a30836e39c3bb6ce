"""Which account: the one that the token sees."""

import re
from collections.abc import Mapping
from typing import Any

from deploy.cloudflare.rollout.api import Api, MissingRight
from deploy.cloudflare.rollout.problem import Problem

TOKEN, ACCOUNT_ID = "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"
RIGHTS_NEEDED = "Account Settings > Read; D1, Workers R2 Storage, Queues, Workers Scripts and Account API Tokens > Edit"


def signed_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The header with the token. Raises Problem where it is missing or cannot be one."""
    given = environment.get(TOKEN, "").strip()
    if not given:
        raise Problem(
            f"{TOKEN} is not set: make a token at dash.cloudflare.com > My Profile > API Tokens > Create Custom Token "
            f"({RIGHTS_NEEDED}), then {TOKEN}=... make deploy-cloudflare"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", given):
        raise Problem(f"{TOKEN} holds characters that no token has: copy it again")
    return {"Authorization": f"Bearer {given}"}


def find_account(api: Api, environment: Mapping[str, str]) -> str:
    """The id in CLOUDFLARE_ACCOUNT_ID, or of the only account that the token sees. Raises Problem."""
    named = environment.get(ACCOUNT_ID, "").strip()
    if named and not re.fullmatch(r"[0-9a-f]{32}", named):
        raise Problem(
            f"{ACCOUNT_ID} is {named!r}, not 32 digits from 0 to f: copy it from dash.cloudflare.com > Account home"
        )
    seen = _seen(api)
    if named:
        if seen and named not in {account["id"] for account in seen}:
            raise Problem(f"the token does not see the account {named} of {ACCOUNT_ID}, only: {_listed(seen)}")
        return named
    if not seen:
        raise Problem(
            f"the token sees no account: give it Account > Account Settings > Read, or set {ACCOUNT_ID} "
            "(dash.cloudflare.com > Account home)"
        )
    if len(seen) > 1:
        raise Problem(f"the token sees {len(seen)} accounts, set {ACCOUNT_ID} to one of: {_listed(seen)}")
    return seen[0]["id"]


def _seen(api: Api) -> list[dict[str, Any]]:
    """Empty for a token without Account Settings > Read, which may do everything else."""
    try:
        return api.get("/accounts", params={"per_page": "50"})
    except MissingRight:
        return []


def _listed(accounts: list[dict[str, Any]]) -> str:
    return ", ".join(f"{account['id']} ({account['name']})" for account in accounts)
