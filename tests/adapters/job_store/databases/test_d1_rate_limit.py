"""Cloudflare's limit for a token: seen from the answers, and never used up."""

import pytest

from editqueue.adapters.job_store.databases.d1_rate_limit import RateLimit
from editqueue.domain.errors import StorageUnavailable


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="seconds")
def _seconds() -> Seconds:
    return Seconds()


@pytest.fixture(name="limit")
def _limit(seconds: Seconds) -> RateLimit:
    return RateLimit(elapsed=seconds)


def left(requests: int, seconds: int) -> dict[str, str]:
    return {"ratelimit": f'"default";r={requests};t={seconds}'}


def test_nobody_waits_while_enough_is_left(limit: RateLimit) -> None:
    limit.heed(200, left(1000, 200))

    assert [limit.reserve(within=10) for _ in range(5)] == [0.0] * 5


def test_what_is_left_is_spread_over_the_time_that_is_left_but_for_a_reserve(
    limit: RateLimit, seconds: Seconds
) -> None:
    limit.heed(200, left(120, 200))

    assert [limit.reserve(within=10) for _ in range(3)] == [0.0, 2.0, 4.0]
    seconds.now += 201
    assert [limit.reserve(within=10) for _ in range(2)] == [0.0, 0.0]


def test_the_reserve_is_left_alone(limit: RateLimit, seconds: Seconds) -> None:
    limit.heed(200, left(20, 90))

    with pytest.raises(StorageUnavailable, match=r"next request may go in 90 s"):
        limit.reserve(within=10)
    seconds.now += 90
    assert limit.reserve(within=10) == 0.0


def test_who_is_refused_takes_nobody_elses_turn(limit: RateLimit) -> None:
    limit.heed(200, left(30, 60))

    assert [limit.reserve(within=10) for _ in range(2)] == [0.0, 6.0]
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            limit.reserve(within=10)
    assert limit.reserve(within=12) == 12.0


@pytest.mark.parametrize(("given", "waited"), [({"retry-after": "37"}, 37), ({}, 30), ({"retry-after": "86400"}, 600)])
def test_a_429_is_heeded_with_or_without_a_time(limit: RateLimit, given: dict[str, str], waited: int) -> None:
    limit.heed(429, given)

    with pytest.raises(StorageUnavailable, match=f"in {waited} s"):
        limit.reserve(within=10)


def test_headers_that_say_nothing_change_nothing(limit: RateLimit) -> None:
    for headers in ({}, {"ratelimit": "later"}, {"ratelimit": '"default";t=5'}):
        limit.heed(200, headers)

    assert limit.reserve(within=0) == 0.0


def test_a_refusal_that_names_no_time_does_not_shorten_what_another_named(limit: RateLimit, seconds: Seconds) -> None:
    limit.heed(429, {"retry-after": "120"})
    limit.heed(429, {})
    seconds.now += 60

    with pytest.raises(StorageUnavailable, match=r"next request may go in 60 s"):
        limit.reserve(within=10)
