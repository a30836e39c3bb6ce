"""A store that is far from its PostgreSQL waits for it once a method, whatever the method does."""

from collections import defaultdict

from devtools.fault_proxy import behind, through
from devtools.history import Size
from devtools.plans import database_with
from devtools.round_trips import counted
from devtools.tour import Tour
from editqueue.adapters.job_store.opening.open_store import open_store

DECIDES = {"rescue": 2, "retry_job": 2, "take_over": 2}
"""What looks first, and sends a second group where there is something to do."""


async def test_every_method_of_the_store_takes_one_round_trip() -> None:
    async with (
        database_with("postgresql", Size(finished=300, queued=100, files=200)) as url,
        counted(behind(url)) as turns,
    ):
        store = await open_store(through(url, turns.port))
        await store.has_work()  # connected
        taken: dict[str, list[int]] = defaultdict(list)
        method, before = "", 0

        def note(following: str) -> None:
            nonlocal method, before
            if method:
                taken[method].append(turns.count - before)
            method, before = following, turns.count

        await Tour(store=store, before=note, gone="nobody").go()
        note("")
        await store.close()

    assert len(taken) > 30
    assert {name: max(counts) for name, counts in taken.items()} == {name: DECIDES.get(name, 1) for name in taken}
