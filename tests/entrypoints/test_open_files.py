"""The limit of open files, and how many connections it carries."""

import resource
from collections.abc import Callable

import pytest

from editqueue.entrypoints.commands.open_files import most_connections, raise_open_files_limit

Limits = dict[str, tuple[int, int]]


@pytest.fixture(name="limits")
def _limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Soft and hard under "now"; `most` is what this system allows in the end."""
    limits: Limits = {"now": (1024, 4096), "most": (10**6, 10**6)}

    def set_limits(_: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > limits["most"][0]:
            raise ValueError("current limit exceeds maximum limit")
        limits["now"] = wanted

    get: Callable[[int], tuple[int, int]] = lambda _: limits["now"]  # noqa: E731
    monkeypatch.setattr(resource, "getrlimit", get)
    monkeypatch.setattr(resource, "setrlimit", set_limits)
    return limits


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, 4096), (4096, 4096)),
        ((1024, 1_048_576), (65_536, 1_048_576)),
        ((1024, resource.RLIM_INFINITY), (65_536, resource.RLIM_INFINITY)),
        ((100_000, 1_048_576), (100_000, 1_048_576)),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_it_makes_sense(
    limits: Limits, before: tuple[int, int], after: tuple[int, int]
) -> None:
    limits["now"] = before

    raise_open_files_limit()

    assert limits["now"] == after


def test_a_system_that_allows_less_than_it_says_is_taken_as_it_is(limits: Limits) -> None:
    limits["now"], limits["most"] = (256, resource.RLIM_INFINITY), (10_240, 10_240)

    raise_open_files_limit()

    assert limits["now"] == (256, resource.RLIM_INFINITY)


@pytest.mark.parametrize(
    ("allowed", "connections"), [(64, 16), (256, 78), (1024, 462), (65_536, 1000), (resource.RLIM_INFINITY, 1000)]
)
def test_connections_leave_room_for_everything_else(limits: Limits, allowed: int, connections: int) -> None:
    limits["now"] = (allowed, allowed)

    assert most_connections() == connections
