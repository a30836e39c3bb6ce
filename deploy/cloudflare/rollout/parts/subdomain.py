"""The account's subdomain of workers.dev. An account has one, and a new one has none."""

from collections.abc import Iterator

from deploy.cloudflare.rollout.api import NotThere, Refused
from deploy.cloudflare.rollout.deployment import Deployment, Difference
from deploy.cloudflare.rollout.problem import Problem

TAKEN = 10031
LETTERS = (6, 12, 24)
"""Of the account's id that go into the name, the more the less likely somebody has it."""


def subdomain(deployment: Deployment) -> Iterator[Difference]:
    if find_subdomain(deployment) is None:
        yield Difference(
            lines=["the account has no subdomain of workers.dev"],
            doing="register a subdomain of workers.dev",
            mend=lambda: _register(deployment),
        )


def find_subdomain(deployment: Deployment) -> str | None:
    try:
        return deployment.api.get(f"{deployment.account}/workers/subdomain")["subdomain"] or None
    except NotThere:
        return None


def _register(deployment: Deployment) -> None:
    for letters in LETTERS:
        name = f"{deployment.wanted.name}-{(deployment.record.account_id or '')[:letters]}"
        try:
            deployment.api.call("PUT", f"{deployment.account}/workers/subdomain", body={"subdomain": name})
        except Refused as refused:
            if refused.code != TAKEN:
                raise
        else:
            return
    raise Problem("no subdomain of workers.dev was free: choose one at dash.cloudflare.com > Workers & Pages")
