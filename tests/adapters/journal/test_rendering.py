"""Whatever the facts are, a line of JSON comes of them."""

import json
from typing import Any

import pytest

from editqueue.adapters.journal import rendering


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("half \ud800 a pair", "half ? a pair"),
        ("a pair \U0001f3e0", "a pair \U0001f3e0"),
        (Unspeakable(), "<Unspeakable that cannot be shown>"),
        ({"deep": ENDLESS}, "{'deep': [[...]]}"),
    ],
)
def test_a_fact_that_cannot_be_shown_is_replaced(value: object, shown: str) -> None:
    line = rendering.warning("odd", before="here", value=value, after=1)

    assert line.isascii()
    facts = json.loads(line)
    assert (facts["event"], facts["level"], facts["value"]) == ("odd", "warning", shown)
    assert str(facts["after"]) == "1"
    assert facts["timestamp"].endswith("Z")


def test_a_fact_named_like_the_event_does_not_hide_it() -> None:
    assert json.loads(rendering.rendered("info", "odd", {"event": "other"}))["event"] == "odd"
