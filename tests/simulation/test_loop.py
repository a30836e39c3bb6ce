"""What asyncio offers works on the loop of the simulation, in virtual time and in every order that chance draws."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.simulation.chance import Chance
from tests.simulation.life import CURRENT, Life
from tests.simulation.loop import Deadlock, VirtualLoop

YEAR = 365 * 24 * 3600.0
Scenario = Callable[[], Coroutine[Any, Any, None]]


def play(scenario: Scenario, *, seed: int = 1) -> VirtualLoop:
    loop = VirtualLoop()
    loop.run(scenario(), life=Life("test", Chance(seed)), until=lambda: False)
    return loop


async def a_timeout_ends_what_takes_too_long() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(YEAR):
            await asyncio.Event().wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), YEAR)
    assert asyncio.get_running_loop().time() == 2 * YEAR


async def a_task_group_ends_all_its_tasks_with_the_first_that_fails() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise LookupError

    sleepers: list[asyncio.Task[None]] = []

    async def run_together() -> None:
        async with asyncio.TaskGroup() as group:
            sleepers.append(group.create_task(asyncio.sleep(YEAR)))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as caught:
        await run_together()
    assert [type(error) for error in caught.value.exceptions] == [LookupError]
    assert [sleeper.cancelled() for sleeper in sleepers] == [True]


async def a_lock_lets_one_in_at_a_time() -> None:
    lock, inside, most = asyncio.Lock(), 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with lock:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(20)))
    assert most == 1


async def a_queue_gives_what_was_put_in_its_order() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(2)

    async def fill() -> None:
        for number in range(20):
            await queue.put(number)

    filling = asyncio.create_task(fill())
    assert [await queue.get() for _ in range(20)] == [*range(20)]
    await filling


async def a_condition_wakes_those_who_wait_for_it() -> None:
    condition, is_open = asyncio.Condition(), False

    async def wait() -> None:
        async with condition:
            await condition.wait_for(lambda: is_open)

    waiting = [asyncio.create_task(wait()) for _ in range(5)]
    await asyncio.sleep(1)
    async with condition:
        is_open = True
        condition.notify_all()
    await asyncio.gather(*waiting)


@pytest.mark.parametrize(
    "scenario",
    [
        a_timeout_ends_what_takes_too_long,
        a_task_group_ends_all_its_tasks_with_the_first_that_fails,
        a_lock_lets_one_in_at_a_time,
        a_queue_gives_what_was_put_in_its_order,
        a_condition_wakes_those_who_wait_for_it,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_asyncio_works_as_anywhere(scenario: Scenario) -> None:
    for seed in range(20):
        assert play(scenario, seed=seed).failures == []


def test_who_is_ready_at_one_instant_runs_in_an_order_that_the_seed_draws() -> None:
    def order(seed: int) -> list[int]:
        found: list[int] = []

        async def race() -> None:
            async def run(number: int) -> None:
                found.append(number)

            await asyncio.gather(*(run(number) for number in range(5)))

        play(race, seed=seed)
        return found

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(20)}) > 10


def test_who_is_killed_does_nothing_any_more_not_even_clean_up() -> None:
    loop, victim, done = VirtualLoop(), Life("victim", Chance(1)), list[str]()

    async def work() -> None:
        try:
            done.append("began")
            await asyncio.sleep(10)
            done.append("ended")
        finally:
            done.append("cleaned up")

    async def kill() -> None:
        token = CURRENT.set(victim)
        task = asyncio.create_task(work())
        CURRENT.reset(token)
        await asyncio.sleep(1)
        victim.kill()
        await asyncio.sleep(100)
        assert not task.done()
        assert done == ["began"]

    loop.run(kill(), life=Life("killer", Chance(1)), until=lambda: False)


def test_who_is_stopped_goes_on_later_with_all_that_was_due_meanwhile() -> None:
    loop, stopped, woke_at = VirtualLoop(), Life("stopped", Chance(1)), list[float]()

    async def work() -> None:
        await asyncio.sleep(10)
        woke_at.append(loop.time())

    async def stop() -> None:
        token = CURRENT.set(stopped)
        task = asyncio.create_task(work())
        CURRENT.reset(token)
        await asyncio.sleep(1)
        stopped.stop()
        await asyncio.sleep(99)
        stopped.go_on(loop.make_ready)
        await task

    loop.run(stop(), life=Life("other", Chance(1)), until=lambda: False)

    assert woke_at == [100]


def test_a_thread_is_refused() -> None:
    async def ask() -> None:
        with pytest.raises(RuntimeError, match="a thread was asked for"):
            await asyncio.to_thread(print)

    play(ask)


def test_a_world_that_stands_still_is_told_from_one_that_waits() -> None:
    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        play(wait_for_ever)
