"""Listeners that hear the same in the same order agree on whose turn it is, and nobody is forgotten or asked twice."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from editqueue.adapters.job_queue.idle_workers import IdleWorkers

CONSUMERS = ("a", "b", "c")
said = st.one_of(
    st.just("hello"), st.just("job"), st.tuples(st.sampled_from(CONSUMERS), st.integers(min_value=0, max_value=4))
)


def told(workers: IdleWorkers, heard: Sequence[str | tuple[str, int]]) -> list[str | None]:
    """To whom each job was given, as one listener sees it."""
    given_to: list[str | None] = []
    for one in heard:
        match one:
            case "hello":
                workers.forget_all()
            case "job":
                given_to.append(workers.give())
            case (consumer, count):
                workers.said(str(consumer), int(count))
            case _:
                raise AssertionError(one)
    return given_to


@given(before=st.lists(said), heard=st.lists(said, max_size=60))
def test_who_listens_since_the_last_hello_agrees_with_who_listened_before(
    before: Sequence[str | tuple[str, int]], heard: Sequence[str | tuple[str, int]]
) -> None:
    old, new = IdleWorkers(), IdleWorkers()
    told(old, before)

    assert told(old, ["hello", *heard]) == told(new, ["hello", *heard])
    assert [old.count(one) for one in CONSUMERS] == [new.count(one) for one in CONSUMERS]


@given(heard=st.lists(said, max_size=60))
def test_nobody_gets_more_jobs_than_it_said_to_have_workers_for(heard: Sequence[str | tuple[str, int]]) -> None:
    workers, most = IdleWorkers(), Counter[str]()
    for one in heard:
        chosen = [consumer for consumer in told(workers, [one]) if consumer is not None]
        most.subtract(chosen)
        if one == "hello":
            most.clear()
        elif isinstance(one, tuple):
            most[one[0]] = one[1]
        assert all(left >= 0 for left in most.values())
        assert {consumer: workers.count(consumer) for consumer in CONSUMERS} == {one: most[one] for one in CONSUMERS}


@given(counts=st.lists(st.integers(min_value=1, max_value=4), min_size=1, max_size=6))
def test_each_idle_worker_gets_one_job_and_then_nobody_is_left(counts: Sequence[int]) -> None:
    workers = IdleWorkers()
    for number, count in enumerate(counts):
        workers.said(str(number), count)

    given_to = Counter(workers.give() for _ in range(sum(counts)))

    assert given_to == {str(number): count for number, count in enumerate(counts)}
    assert workers.give() is None


def test_whoever_has_waited_longest_is_first() -> None:
    workers = IdleWorkers()
    for consumer in ("a", "b", "a"):
        workers.said(consumer, 1)

    assert [workers.give(), workers.give()] == ["b", "a"]
