"""API tokens of the account. For R2, a token's id is the access key, the hash of its value the secret."""

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from devtools.cloudflare_account.call import Call, Refusal

GROUPS = {
    "6a018a9f2fc74eb6b293b0c548f38b39": "Workers R2 Storage Bucket Item Read",
    "2efd5506f9c8494dacb1fa10a3e7d5b6": "Workers R2 Storage Bucket Item Write",
    "bf7481a1826f439697cb59a20b22293e": "Workers R2 Storage Write",
}


@dataclass(kw_only=True)
class Tokens:
    made: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By id, each with its value."""

    def groups(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.query.get("name")
        return [
            {"id": group_id, "name": name, "scopes": ["com.cloudflare.edge.r2.bucket"]}
            for group_id, name in GROUPS.items()
            if wanted in {None, name}
        ]

    def find(self, _call: Call) -> list[dict[str, Any]]:
        return [{key: held for key, held in token.items() if key != "value"} for token in self.made.values()]

    def create(self, call: Call) -> dict[str, Any]:
        unknown = [
            group["id"]
            for policy in call.body["policies"]
            for group in policy["permission_groups"]
            if group["id"] not in GROUPS
        ]
        if unknown:
            raise Refusal(400, 1001, f"Invalid permission group {unknown[0]}")
        token = {**call.body, "id": uuid.uuid4().hex, "status": "active", "value": secrets.token_urlsafe(30)}
        self.made[token["id"]] = token
        return token

    def roll(self, call: Call) -> str:
        token = self.made.get(call.path["token"])
        if token is None:
            raise Refusal(404, 1003, "Token not found")
        token["value"] = secrets.token_urlsafe(30)
        return token["value"]
