"""Compares rules of a bucket: an API may give back more than it got, in another order, and leave out what is empty."""

from collections.abc import Sequence
from typing import Any, cast


def holds(found: Any, wanted: Any) -> bool:
    """Whether `found`, JSON as `wanted` is, says all that `wanted` says."""
    if isinstance(wanted, dict):
        there: dict[str, Any] = found or {}
        return all(holds(there.get(name), value) for name, value in cast("dict[str, Any]", wanted).items())
    if isinstance(wanted, list):
        return sorted(found or []) == sorted(cast("list[str]", wanted))
    return found == wanted or (found is None and not wanted)


def among(rules: Sequence[object], wanted: object) -> bool:
    return any(holds(rule, wanted) for rule in rules)
