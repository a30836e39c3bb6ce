"""R2: buckets by jurisdiction, their CORS and lifecycle rules, and the removal of single objects."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devtools.cloudflare_account.call import Call, Refusal

ABORT_UPLOADS = {
    "id": "Default Multipart Abort Rule",
    "enabled": True,
    "conditions": {"prefix": ""},
    "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 604_800}},
}
"""Each new bucket has this rule."""


@dataclass(kw_only=True)
class Bucket:
    name: str
    jurisdiction: str
    cors: list[Any] | None = None
    lifecycle: list[Any] = field(default_factory=lambda: [ABORT_UPLOADS])

    def described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "jurisdiction": self.jurisdiction,
            "location": "WEUR",
            "storage_class": "Standard",
            "creation_date": "2026-11-01T00:00:00Z",
        }


@dataclass(kw_only=True)
class R2:
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict[tuple[str, str], Bucket])
    """By jurisdiction and name."""
    remove: Callable[[str], None] = lambda _key: None
    """Removes an object, where something holds objects."""

    switched_on: bool = True
    """Whether the account ever took up R2."""

    def create(self, call: Call) -> dict[str, Any]:
        if not self.switched_on:
            raise Refusal(403, 10042, "Please enable R2 through the Cloudflare Dashboard.")
        key = (_jurisdiction(call), call.body["name"])
        if key in self.buckets:
            raise Refusal(409, 10004, "The bucket you tried to create already exists, and you own it.")
        self.buckets[key] = Bucket(jurisdiction=key[0], name=key[1])
        return self.buckets[key].described()

    def get(self, call: Call) -> dict[str, Any]:
        return self._bucket(call).described()

    def cors(self, call: Call) -> dict[str, Any]:
        bucket = self._bucket(call)
        if bucket.cors is None:
            raise Refusal(404, 10059, "The CORS configuration does not exist.")
        return {"rules": bucket.cors}

    def set_cors(self, call: Call) -> dict[str, Any]:
        self._bucket(call).cors = call.body["rules"]
        return {}

    def lifecycle(self, call: Call) -> dict[str, Any]:
        return {"rules": self._bucket(call).lifecycle}

    def set_lifecycle(self, call: Call) -> dict[str, Any]:
        self._bucket(call).lifecycle = call.body["rules"]
        return {}

    def remove_object(self, call: Call) -> dict[str, Any]:
        self._bucket(call)
        self.remove(call.path["key"])
        return {"key": call.path["key"]}

    def _bucket(self, call: Call) -> Bucket:
        found = self.buckets.get((_jurisdiction(call), call.path["bucket"]))
        if found is None:
            raise Refusal(404, 10006, "The specified bucket does not exist.")
        return found


def _jurisdiction(call: Call) -> str:
    return call.headers.get("cf-r2-jurisdiction", "default")
