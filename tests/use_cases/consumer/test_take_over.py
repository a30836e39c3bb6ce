"""Jobs of consumers that are gone are taken over after a moment in which they could come back."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devtools.holding import holding
from devtools.world import World
from editqueue.domain.errors import StorageUnavailable
from editqueue.ports import Ports
from editqueue.use_cases.consumer.sweep import sweep
from editqueue.use_cases.consumer.take_over import COMES_BACK_WITHIN, take_over


@dataclass
class Held:
    """The lock of the consumer that looks."""

    held_as: str | None = "me"
    consumer: str = "me"
    losses: int = 0

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        yield

    async def next_look(self) -> None:
        raise AssertionError("nobody waits for it here")


class Pause:
    """Is over at once, after `meanwhile`."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.waits: list[float] = []
        self._meanwhile = meanwhile

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._meanwhile()


def looking(world: World, holder: Held, pause: Pause) -> Ports:
    return replace(world.ports, holder=holder, pause=pause)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/world.db"


@pytest.fixture
async def gone(world: World, url: str) -> str:
    """A consumer that died at the one job there is."""
    await world.submitted(1)
    async with holding(url) as holder:
        assert await world.store.claim_next(now=world.clock.now(), holder=holder.held_as)
    return holder.consumer


async def test_they_are_queued_again_told_of_and_others_are_woken(world: World, gone: str) -> None:
    pause = Pause()

    assert await take_over(looking(world, Held(), pause)) == 1

    [job] = await world.jobs()
    [message] = await world.queue.receive(limit=9, wait=timedelta(seconds=1))
    assert (job.status, job.attempts, job.holder) == ("queued", 1, None)
    assert (message.job_id, world.journal.causes()) == (job.id, ["taken_over"])
    assert pause.waits == [COMES_BACK_WITHIN]


async def test_while_all_live_a_look_is_all_there_is(world: World, url: str) -> None:
    pause = Pause()
    async with holding(url):
        assert await take_over(looking(world, Held(), pause)) == 0

    assert pause.waits == []


async def test_who_comes_back_in_that_moment_keeps_its_jobs(
    world: World, gone: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("editqueue.adapters.job_store.opening.open_holder.new_consumer_name", lambda: gone)
    back = holding(url)

    class ComesBack(Pause):
        async def __call__(self, seconds: float) -> None:
            await back.__aenter__()

    assert await take_over(looking(world, Held(), ComesBack())) == 0

    await back.__aexit__(None, None, None)
    [job] = await world.jobs()
    assert job.status == "in_progress"


async def test_who_has_no_lock_does_not_even_look(world: World, gone: str) -> None:
    pause = Pause()

    assert await take_over(looking(world, Held(held_as=None), pause)) == 0
    assert pause.waits == []


async def test_who_loses_its_lock_in_that_moment_takes_nothing(world: World, gone: str) -> None:
    """A server that restarts twice, say: whoever is seen without a lock may live."""
    holder = Held()

    def lose() -> None:
        holder.held_as = None

    assert await take_over(looking(world, holder, Pause(lose))) == 0
    [job] = await world.jobs()
    assert job.status == "in_progress"


async def test_a_sweep_takes_them_over_and_works_on_them(world: World, gone: str) -> None:
    async def now() -> Any:
        return world.clock.now()

    world.bucket.now = now  # pyright: ignore[reportAttributeAccessIssue]  # the one of the fake tells no time
    report = await sweep(looking(world, Held(), Pause()))

    assert (report.requeued, report.processed) == (1, 1)


async def test_a_look_that_finds_the_database_away_says_so(world: World) -> None:
    class Away:
        async def gone_holders(self) -> None:
            raise StorageUnavailable("away")

    store: Any = Away()

    with pytest.raises(StorageUnavailable):
        await take_over(replace(looking(world, Held(), Pause()), store=store))
