"""The Worker: its version, secrets, cron, consumer and address. One `wrangler deploy` sets all of them."""

from collections.abc import Iterator
from typing import Any

from deploy.cloudflare.rollout.api import NotThere
from deploy.cloudflare.rollout.deployment import Deployment, Difference
from deploy.cloudflare.rollout.parts.queues import find_queue
from deploy.cloudflare.rollout.private_files import write_private
from deploy.cloudflare.rollout.secret_values import NAMES


def worker(deployment: Deployment) -> Iterator[Difference]:
    name = deployment.wanted.name
    queue = find_queue(deployment, deployment.wanted.queue)
    consumers: list[dict[str, Any]] = [] if queue is None else queue["consumers"]
    others = [consumer for consumer in consumers if _script(consumer) != name]
    if others:
        yield Difference(
            lines=[f"the queue {deployment.wanted.queue} has another consumer: {_described(others[0])}"],
            doing="a queue has one consumer: remove that one (Storage & databases > Queues > the queue > Settings)",
            mend=None,
        )
    lines = [f"the Worker {name} is missing"] if _tag(deployment) is None else [*_stale(deployment, consumers)]
    if lines:
        yield Difference(lines=lines, doing=f"deploy the Worker {name}", mend=lambda: _deploy(deployment))


def secrets_there(deployment: Deployment) -> set[str]:
    """Names of the secrets that the Worker has."""
    found = _of_script(deployment, "/secrets")
    return set() if found is None else {secret["name"] for secret in found}


def bindings_there(deployment: Deployment) -> set[str] | None:
    """Names of the bindings that the Worker has; None if there is no Worker."""
    found = _of_script(deployment, "/settings")
    if found is None:
        return None
    bindings: list[dict[str, Any]] = found.get("bindings") or []
    return {binding["name"] for binding in bindings}


def _stale(deployment: Deployment, consumers: list[dict[str, Any]]) -> Iterator[str]:
    name = deployment.wanted.name
    if _tag(deployment) != deployment.tag():
        yield f"the Worker {name} is not the version of this checkout and configuration"
    there = secrets_there(deployment)
    yield from (f"the secret {secret} is not set" for secret in NAMES if secret not in there)
    yield from (f"the secret {secret} has another value" for secret in deployment.secrets.waiting() if secret in there)
    if not _settings_are_wanted(deployment, consumers):
        yield f"the Worker {name} is not the consumer of {deployment.wanted.queue} with the settings of wrangler.jsonc"
    schedules: dict[str, list[dict[str, str]]] = _of_script(deployment, "/schedules") or {}
    crons = [schedule["cron"] for schedule in schedules.get("schedules", [])]
    if crons != [*deployment.wanted.crons]:
        yield f"the cron of {name} is {', '.join(crons) or 'missing'}, not {', '.join(deployment.wanted.crons)}"
    on_workers_dev: dict[str, bool] = _of_script(deployment, "/subdomain") or {}
    if not on_workers_dev.get("enabled"):
        yield f"the Worker {name} does not answer on workers.dev"


def _tag(deployment: Deployment) -> str | None:
    """Of the deployed version; empty if it was deployed by other means, None if there is no Worker."""
    found: dict[str, Any] | None = _of_script(deployment, "/deployments")
    if found is None or not found["deployments"]:
        return None
    [*_, deployed] = found["deployments"][0]["versions"]
    version: dict[str, Any] = _of_script(deployment, f"/versions/{deployed['version_id']}") or {}
    annotations: dict[str, str] = version.get("annotations") or {}
    return annotations.get("workers/tag", "")


def _settings_are_wanted(deployment: Deployment, consumers: list[dict[str, Any]]) -> bool:
    ours = [consumer for consumer in consumers if _script(consumer) == deployment.wanted.name]
    return any(
        consumer.get("dead_letter_queue") == deployment.wanted.dead_letters
        and all(consumer["settings"].get(name) == value for name, value in deployment.wanted.consumer.items())
        for consumer in ours
    )


def _script(consumer: dict[str, Any]) -> str | None:
    """The published schema says `script_name`; wrangler reads `script` or `service`."""
    return consumer.get("script_name") or consumer.get("script") or consumer.get("service")


def _described(consumer: dict[str, Any]) -> str:
    return _script(consumer) or str(consumer.get("type"))


def _of_script(deployment: Deployment, what: str) -> Any:
    try:
        return deployment.api.get(f"{deployment.account}/workers/scripts/{deployment.wanted.name}{what}")
    except NotThere:
        return None


def _deploy(deployment: Deployment) -> None:
    write_private(deployment.project.config, deployment.configuration())
    # Beside the file that keeps them, so that a run that is killed leaves them nowhere else.
    secrets = deployment.project.kept / "upload.json"
    try:
        write_private(secrets, deployment.secrets.as_file())
        deployment.wrangler("deploy", "--tag", deployment.tag(), "--secrets-file", str(secrets))
    finally:
        secrets.unlink(missing_ok=True)
    deployment.secrets.keep_uploaded()
