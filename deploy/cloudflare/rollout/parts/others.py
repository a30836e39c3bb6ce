"""What somebody else has under a name of ours. It stops a run before anything is made: a deploy would replace it."""

from collections.abc import Iterator

from deploy.cloudflare.rollout.deployment import Deployment, Difference
from deploy.cloudflare.rollout.parts.worker import bindings_there

BINDINGS = frozenset({"DB", "BUCKET", "IMAGES", "QUEUE"})
"""Of every version of the edit queue, however it was deployed."""


def others(deployment: Deployment) -> Iterator[Difference]:
    bound = bindings_there(deployment)
    if bound is not None and not bound >= BINDINGS:
        yield Difference(
            lines=[f"the Worker {deployment.wanted.name} is not an edit queue, but somebody else's"],
            doing="take another --name, or delete that Worker if nobody needs it (Workers & Pages)",
            mend=None,
        )
