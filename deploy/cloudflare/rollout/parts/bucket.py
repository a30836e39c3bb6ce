"""The R2 bucket, with the rules that its use needs. Rules of others in it stay as they are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.cloudflare.rollout.api import NotThere
from deploy.cloudflare.rollout.deployment import Deployment, Difference
from deploy.cloudflare.rollout.parts.rules import among

DAY = 24 * 3600
STUCK_UPLOADS = {
    "id": "editqueue stuck uploads",
    "enabled": True,
    "conditions": {"prefix": ""},
    "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 7 * DAY}},
}
PROBES = {
    "id": "editqueue probes",
    "enabled": True,
    "conditions": {"prefix": ".editqueue-probe/"},
    "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": DAY}},
}
"""Consumers write small objects there to see whether the bucket can be used; one that dies leaves them behind."""


def bucket(deployment: Deployment) -> Iterator[Difference]:
    name = deployment.wanted.bucket
    there = _get(deployment, "") is not None
    if not there:
        yield Difference(
            lines=[f"the R2 bucket {name} is missing"],
            doing=f"create the R2 bucket {name}",
            mend=lambda: _create(deployment),
        )
    cors = _rules(deployment, "/cors")
    if not among(cors, _cors(deployment)):
        yield Difference(
            lines=[f"the CORS rule of {name} for uploads from {', '.join(deployment.wanted.origins)} is missing"],
            doing=f"set the CORS rule of {name} for {', '.join(deployment.wanted.origins)}",
            mend=lambda: _put(deployment, "/cors", _with(cors, [_cors(deployment)])),
        )
    rules = _rules(deployment, "/lifecycle")
    missing = [rule for rule in (STUCK_UPLOADS, PROBES) if not among(rules, rule)]
    if missing:
        yield Difference(
            lines=[f"the lifecycle rule '{rule['id']}' of {name} is missing" for rule in missing],
            doing=f"set {len(missing)} lifecycle rules of {name}",
            mend=lambda: _put(deployment, "/lifecycle", _with(_rules(deployment, "/lifecycle"), missing)),
        )


def _cors(deployment: Deployment) -> dict[str, Any]:
    return {
        "id": deployment.wanted.name,
        "allowed": {
            "origins": list(deployment.wanted.origins),
            "methods": ["PUT", "GET", "HEAD"],
            "headers": ["content-type", "if-none-match"],
        },
        "maxAgeSeconds": 3600,
    }


def _with(rules: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A call replaces all rules, so those of others go with it."""
    own = {rule["id"] for rule in ours}
    return [*(rule for rule in rules if rule.get("id") not in own), *ours]


def _create(deployment: Deployment) -> None:
    path = f"{deployment.account}/r2/buckets"
    deployment.api.call("POST", path, body={"name": deployment.wanted.bucket}, headers=jurisdiction(deployment))


def _rules(deployment: Deployment, what: str) -> list[Any]:
    found = _get(deployment, what)
    return [] if found is None else found["rules"]


def _get(deployment: Deployment, what: str) -> Any:
    try:
        return deployment.api.get(bucket_path(deployment) + what, headers=jurisdiction(deployment))
    except NotThere:
        return None


def _put(deployment: Deployment, what: str, rules: Sequence[Mapping[str, Any]]) -> None:
    path = bucket_path(deployment) + what
    deployment.api.call("PUT", path, body={"rules": rules}, headers=jurisdiction(deployment))


def bucket_path(deployment: Deployment) -> str:
    return f"{deployment.account}/r2/buckets/{deployment.wanted.bucket}"


def jurisdiction(deployment: Deployment) -> dict[str, str]:
    """The header without which only buckets outside of any jurisdiction are seen."""
    place = deployment.wanted.jurisdiction
    return {} if place is None else {"cf-r2-jurisdiction": place}
