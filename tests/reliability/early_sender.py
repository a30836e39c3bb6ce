"""Promise 5 at the moment of sending: whoever is woken finds the job, because it is committed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from devtools.seeds import seed_files, seed_order
from devtools.world import World
from editqueue.adapters.job_queue.local import LocalQueue
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.use_cases.customer.submit_edits import submit_edits


class LookingQueue(LocalQueue):
    """Asks the database, over a connection of its own, for every job it is told of."""

    def __init__(self, reader: SqlStore) -> None:
        super().__init__()
        self._reader = reader
        self.missing: list[str] = []
        self.sent = 0

    async def send(self, job_ids: Sequence[str]) -> None:
        self.sent += len(job_ids)
        self.missing += [one for one in job_ids if await self._reader.job(one) is None]


async def messages_before_the_commit(world: World, database_url: str, *, store: Any = None) -> list[str]:
    """The messages of a submit that named a job nobody else could see. `store` may need the queue to send."""
    reader = await open_store(database_url)
    queue = LookingQueue(reader)
    made = store(queue) if store else world.store
    order = await seed_order(world.store)
    files = await seed_files(world.store, order, 3)
    ports = replace(world.ports, store=made, queue=queue)
    try:
        await submit_edits(
            [one.id for one in files], order_id=order.id, user_id="anna", express=False, notes=None, ports=ports
        )
    finally:
        await reader.close()
    assert queue.sent, "no message at all"
    return [f"a message named job {one} before it was committed" for one in queue.missing]
