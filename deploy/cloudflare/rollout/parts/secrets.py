"""The values of the Worker's secrets: what it has or what was given is left alone, the others are made."""

import hashlib
import secrets as random_secrets
from collections.abc import Iterator

from deploy.cloudflare.rollout.deployment import Deployment, Difference
from deploy.cloudflare.rollout.parts.worker import secrets_there
from deploy.cloudflare.rollout.secret_values import JWT_SECRET, R2_KEYS

GROUPS = ("Workers R2 Storage Bucket Item Read", "Workers R2 Storage Bucket Item Write")
"""What the dashboard calls Object Read & Write."""


def secrets(deployment: Deployment) -> Iterator[Difference]:
    there = secrets_there(deployment)
    known = {name for name in (JWT_SECRET, *R2_KEYS) if deployment.secrets.value(name) is not None} | there
    if JWT_SECRET not in known:
        yield Difference(
            lines=["JWT_SECRET is neither set, given nor made"],
            doing=f"make a JWT_SECRET, to be kept in {deployment.secrets.path}",
            mend=lambda: deployment.secrets.keep({JWT_SECRET: random_secrets.token_hex(32)}),
        )
    if not set(R2_KEYS) <= known:
        yield Difference(
            lines=["the keys of R2 are neither set, given nor made"],
            doing=f"make keys for R2, to be kept in {deployment.secrets.path}",
            mend=lambda: _make_r2_keys(deployment),
        )


def _make_r2_keys(deployment: Deployment) -> None:
    """An API token for this bucket alone: its id is the access key, the SHA-256 of its value the secret one."""
    tokens = f"{deployment.account}/tokens"
    name = f"{deployment.wanted.name}: objects of {deployment.wanted.bucket}"
    # One that a cut off run made: its value was shown only then, so it gets another.
    made = next(
        (token for token in deployment.api.get(tokens, params={"per_page": "50"}) if token["name"] == name), None
    )
    if made is None:
        made = deployment.api.call("POST", tokens, body={"name": name, "policies": [_policy(deployment)]})
        value = made["value"]
    else:
        value = deployment.api.call("PUT", f"{tokens}/{made['id']}/value", body={})
    secret = hashlib.sha256(value.encode()).hexdigest()
    deployment.secrets.keep(dict(zip(R2_KEYS, (made["id"], secret), strict=True)))


def _policy(deployment: Deployment) -> dict[str, object]:
    groups = deployment.api.get(f"{deployment.account}/tokens/permission_groups")
    ids = [{"id": group["id"]} for group in groups if group["name"] in GROUPS]
    place = deployment.wanted.jurisdiction or "default"
    resource = f"com.cloudflare.edge.r2.bucket.{deployment.record.account_id}_{place}_{deployment.wanted.bucket}"
    return {"effect": "allow", "permission_groups": ids, "resources": {resource: "*"}}
