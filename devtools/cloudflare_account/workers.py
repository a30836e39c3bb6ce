"""Workers: the upload with its bindings and secrets, versions and deployments, crons, and the workers.dev subdomain."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devtools.cloudflare_account.call import Call, Refusal


@dataclass(frozen=True, kw_only=True)
class Version:
    id: str
    metadata: Mapping[str, Any]
    """As uploaded."""
    files: Mapping[str, bytes]
    secrets: Mapping[str, str]

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.metadata.get("annotations", {})


@dataclass(kw_only=True)
class Worker:
    deployed: Version
    versions: list[Version]
    crons: list[str] = field(default_factory=list[str])
    on_workers_dev: bool = False


@dataclass(kw_only=True)
class Workers:
    subdomain: str | None = None
    taken: frozenset[str] = frozenset()
    """Subdomains of other accounts."""
    scripts: dict[str, Worker] = field(default_factory=dict[str, Worker])

    def get_subdomain(self, _call: Call) -> dict[str, str]:
        if self.subdomain is None:
            raise Refusal(404, 10007, "There is no workers.dev subdomain for this account.")
        return {"subdomain": self.subdomain}

    def set_subdomain(self, call: Call) -> dict[str, str]:
        if call.body["subdomain"] in self.taken:
            raise Refusal(409, 10031, "This subdomain is unavailable.")
        self.subdomain = call.body["subdomain"]
        return {"subdomain": call.body["subdomain"]}

    def service(self, call: Call) -> dict[str, Any]:
        worker = self._worker(call, code=10090)
        script: dict[str, Any] = {
            "id": call.path["script"],
            "tag": worker.versions[-1].id,
            "tags": [],
            "last_deployed_from": "wrangler",
        }
        return {"id": call.path["script"], "default_environment": {"environment": "production", "script": script}}

    def upload(self, call: Call) -> dict[str, Any]:
        """A version that is deployed at once."""
        before = self.scripts.get(call.path["script"])
        version = _version(call, before)
        if before is None:
            self.scripts[call.path["script"]] = Worker(deployed=version, versions=[version])
        else:
            before.versions.append(version)
            before.deployed = version
        return {"id": call.path["script"], "etag": version.id, "deployment_id": version.id.replace("-", "")}

    def upload_version(self, call: Call) -> dict[str, Any]:
        """Wrangler's way for a Worker that exists: a version first, which a deployment then takes."""
        worker = self._worker(call)
        made = _version(call, worker)
        worker.versions.append(made)
        return {"id": made.id, "resources": {"script": {"etag": made.id}}, "startup_time_ms": 100}

    def deploy(self, call: Call) -> dict[str, Any]:
        worker = self._worker(call)
        [wanted] = call.body["versions"]
        worker.deployed = _with_id(worker, wanted["version_id"])
        return {"id": str(uuid.uuid4())}

    def deployments(self, call: Call) -> dict[str, Any]:
        version = self._worker(call).deployed
        deployment = {
            "id": version.id,
            "source": "wrangler",
            "strategy": "percentage",
            "created_on": "2026-11-01T00:00:00Z",
            "annotations": dict(version.annotations),
            "versions": [{"version_id": version.id, "percentage": 100}],
        }
        return {"deployments": [deployment]}

    def version(self, call: Call) -> dict[str, Any]:
        version = _with_id(self._worker(call), call.path["version"])
        return {"id": version.id, "annotations": version.annotations, "metadata": {}, "resources": {}}

    def settings(self, call: Call) -> dict[str, Any]:
        return {"bindings": self._worker(call).deployed.metadata.get("bindings", [])}

    def secrets(self, call: Call) -> list[dict[str, str]]:
        return [{"name": name, "type": "secret_text"} for name in self._worker(call).deployed.secrets]

    def crons(self, call: Call) -> dict[str, Any]:
        return {"schedules": [{"cron": cron} for cron in self._worker(call).crons]}

    def set_crons(self, call: Call) -> dict[str, Any]:
        self._worker(call).crons = [schedule["cron"] for schedule in call.body]
        return {"schedules": call.body}

    def on_workers_dev(self, call: Call) -> dict[str, bool]:
        return {"enabled": self._worker(call).on_workers_dev, "previews_enabled": False}

    def set_on_workers_dev(self, call: Call) -> dict[str, bool]:
        self._worker(call).on_workers_dev = call.body["enabled"]
        return self.on_workers_dev(call)

    def set_script_settings(self, call: Call) -> dict[str, Any]:
        self._worker(call)
        return call.body

    def _worker(self, call: Call, *, code: int = 10007) -> Worker:
        found = self.scripts.get(call.path["script"])
        if found is None:
            raise Refusal(404, code, "This Worker does not exist on your account.")
        return found


def _version(call: Call, before: Worker | None) -> Version:
    bindings = call.body.get("bindings", [])
    held: Mapping[str, str] = {} if before is None else before.versions[-1].secrets
    lost = [binding["name"] for binding in bindings if binding["type"] == "inherit" and binding["name"] not in held]
    if lost:
        raise Refusal(400, 10021, f"binding {lost[0]} cannot be inherited: no earlier version has it")
    if call.body.get("main_module") not in call.files:
        raise Refusal(400, 10021, "the main module is not among the files")
    given = {binding["name"]: binding["text"] for binding in bindings if binding["type"] == "secret_text"}
    return Version(id=str(uuid.uuid4()), metadata=call.body, files=call.files, secrets={**held, **given})


def _with_id(worker: Worker, version_id: str) -> Version:
    for version in worker.versions:
        if version.id == version_id:
            return version
    raise Refusal(404, 10092, "The version does not exist.")
