"""A claim on PostgreSQL begins where the last one ended: what was claimed before it is not stepped over again."""

import pickle
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from devtools.databases import new_postgres
from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.job_store.store.starting_points import FULL, LOOK_EVERY, Start, StartingPoints
from editqueue.domain.jobs import EditJob, JobStatus

EARLIER = NOON - timedelta(minutes=10)
SOON = NOON + LOOK_EVERY


def job_at(second: int, *, express: bool = False) -> EditJob:
    turn = NOON + timedelta(seconds=second)
    return EditJob(
        id="j",
        file_id="f",
        order_id="o",
        user_id="anna",
        status=JobStatus.QUEUED,
        created_at=NOON,
        run_after=NOON,
        fair_order=turn,
        token="t",
        express=express,
    )


def from_second(second: int, *, express: int = 0) -> Start:
    return Start(express=express, others=to_ms(NOON) + 1000 * second, is_full=False)


@pytest.fixture(name="points")
def _points() -> StartingPoints:
    """After a full look that took what it was asked for."""
    points = StartingPoints()
    assert points.next(NOON) == FULL
    points.claimed([job_at(3), job_at(5)], asked=2)
    return points


def test_a_claim_begins_where_the_last_one_ended(points: StartingPoints) -> None:
    assert points.next(NOON) == from_second(5)


def test_a_process_that_never_claims_keeps_nothing_of_what_it_queues() -> None:
    points = StartingPoints()
    points.queued([job_at(0), job_at(0, express=True)])
    after_one = len(pickle.dumps(points))
    points.queued([job_at(second) for second in range(100)])

    assert len(pickle.dumps(points)) == after_one


def test_each_lane_has_a_place_of_its_own(points: StartingPoints) -> None:
    points.claimed([job_at(40, express=True)], asked=1)

    assert points.next(NOON) == from_second(5, express=to_ms(NOON) + 40_000)


@pytest.mark.parametrize("seconds", [1, 90, -1])
def test_after_a_second_by_a_clock_that_may_jump_it_looks_from_the_beginning(
    points: StartingPoints, seconds: int
) -> None:
    assert points.next(NOON + timedelta(seconds=seconds)) == FULL


def test_after_a_claim_that_found_too_few_it_looks_from_the_beginning(points: StartingPoints) -> None:
    points.claimed([job_at(7)], asked=2)

    assert points.next(NOON) == FULL


def test_what_comes_back_before_it_is_not_passed_over(points: StartingPoints) -> None:
    points.queued([job_at(4), job_at(9)])

    assert points.next(NOON) == from_second(4)


def test_what_comes_back_during_a_claim_that_may_not_see_it_is_not_passed_over(points: StartingPoints) -> None:
    points.next(NOON)
    points.queued([job_at(2)])
    points.claimed([job_at(8)], asked=1)

    assert points.next(NOON) == from_second(2)
    points.claimed([replace(job_at(8), id="k")], asked=1)
    assert points.next(NOON) == from_second(8)


@pytest.fixture(name="url")
def _url() -> Iterator[str]:
    with new_postgres() as new:
        yield new()


@pytest.fixture(name="stores")
async def _stores(url: str) -> AsyncIterator[Sequence[SqlStore]]:
    """Of two processes."""
    opened = [await open_store(url) for _ in range(2)]
    yield opened
    for store in opened:
        await store.close()


async def queue(store: SqlStore, user_id: str, count: int, *, earlier: bool = False) -> Sequence[str]:
    files = await seed_files(store, await seed_order(store, user_id=user_id), count)
    return await submit(store, files, now=EARLIER if earlier else NOON)


async def test_an_earlier_turn_of_another_process_is_found_within_a_second(stores: Sequence[SqlStore]) -> None:
    ours, other = stores
    jobs = await queue(ours, "anna", 3)
    await claim(ours)
    [earlier] = await queue(other, "bert", 1, earlier=True)

    assert (await claim(ours)).job.id == jobs[1]
    assert (await claim(ours, SOON)).job.id == earlier


async def test_it_is_found_at_once_when_nothing_else_waits(stores: Sequence[SqlStore]) -> None:
    ours, other = stores
    await queue(ours, "anna", 1)
    await claim(ours)
    [earlier] = await queue(other, "bert", 1, earlier=True)

    assert (await claim(ours)).job.id == earlier


async def test_an_earlier_turn_of_our_own_is_never_late(stores: Sequence[SqlStore]) -> None:
    ours, _ = stores
    jobs = await queue(ours, "anna", 4)
    first = await claim(ours)
    [earlier] = await queue(ours, "bert", 1, earlier=True)

    assert (await claim(ours)).job.id == earlier
    assert (await claim(ours)).job.id == jobs[1]
    await ours.release(first, now=NOON)
    assert (await claim(ours)).job.id == first.job.id
