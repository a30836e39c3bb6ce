"""The driver for D1, beyond the contract that it keeps with the other databases."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from editqueue.adapters.job_store.databases.d1 import D1Database, compiled_for_d1
from editqueue.adapters.job_store.schema import files, orders
from editqueue.adapters.js_interop import JsError
from editqueue.domain.errors import StorageUnavailable

ORDER = {"id": "1", "user_id": "anna", "title": "Haus", "shootcode": "AB", "last_index": 0, "created_at": 7}


class Failing:
    def __init__(self, error: str) -> None:
        self.error = error

    def prepare(self, query: str) -> "Failing":
        return self

    def bind(self, *parameters: object) -> "Failing":
        return self

    async def batch(self, statements: Sequence[Any]) -> Any:
        raise JsError(self.error)


def test_parameters_come_in_the_order_of_their_marks() -> None:
    query, parameters = compiled_for_d1(
        update(files).where(files.c.id == "a", files.c.ver == 3).values(name="neu", locked=True)
    )

    assert query.count("?") == len(parameters) == 4
    assert sorted(map(str, parameters)) == ["1", "3", "a", "neu"]


def test_booleans_are_numbers_and_none_stays_none() -> None:
    _, parameters = compiled_for_d1(update(files).values(locked=True, marked=False, room_type=None))

    assert list(parameters) == [None, 1, 0]
    assert not any(isinstance(one, bool) for one in parameters)


def test_a_list_of_values_is_one_mark_each() -> None:
    query, parameters = compiled_for_d1(select(files.c.id).where(files.c.id.in_(["a", "b", "c"])))

    assert (query.count("?"), list(parameters)) == (3, ["a", "b", "c"])


def test_more_parameters_than_d1_takes_are_refused_before_they_are_sent() -> None:
    with pytest.raises(ValueError, match="each_id"):
        compiled_for_d1(select(*(literal(number) for number in range(101))))


async def test_a_constraint_is_told_from_a_database_that_is_away() -> None:
    with pytest.raises(IntegrityError):
        await D1Database(Failing("D1_ERROR: UNIQUE constraint failed: orders.id")).run(insert(orders).values(ORDER))
    with pytest.raises(StorageUnavailable, match="D1: D1_ERROR: overloaded"):
        await D1Database(Failing("D1_ERROR: overloaded\n    at stack")).run(insert(orders).values(ORDER))
