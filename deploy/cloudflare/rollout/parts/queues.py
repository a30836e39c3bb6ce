"""The queue and its dead letters; these first, since a consumer that names a missing queue is refused."""

from collections.abc import Iterator
from typing import Any

from deploy.cloudflare.rollout.deployment import Deployment, Difference


def queues(deployment: Deployment) -> Iterator[Difference]:
    for name in (deployment.wanted.dead_letters, deployment.wanted.queue):
        yield from _queue(deployment, name)


def _queue(deployment: Deployment, name: str) -> Iterator[Difference]:
    place = deployment.wanted.jurisdiction
    found = find_queue(deployment, name)
    if found is None:
        yield Difference(
            lines=[f"the queue {name} is missing"],
            doing=f"create the queue {name}",
            mend=lambda: _create(deployment, name),
        )
    elif found.get("jurisdiction") != place:
        yield Difference(
            lines=[
                f"the queue {name} has the jurisdiction {found.get('jurisdiction') or 'none'}, not {place or 'none'}"
            ],
            doing="it is chosen when a queue is made: take its --jurisdiction, or another --name",
            mend=None,
        )


def find_queue(deployment: Deployment, name: str) -> dict[str, Any] | None:
    found = deployment.api.get(f"{deployment.account}/queues", params={"name": name, "per_page": "100"})
    return next((queue for queue in found if queue["queue_name"] == name), None)


def _create(deployment: Deployment, name: str) -> None:
    place = {} if deployment.wanted.jurisdiction is None else {"jurisdiction": deployment.wanted.jurisdiction}
    deployment.api.call("POST", f"{deployment.account}/queues", body={"queue_name": name, **place})
