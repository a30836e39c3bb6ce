"""The driver for D1, beyond the contract that it keeps with the other databases."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import literal, select, update

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import Isolate, isolate
from devtools.seeds import NOON
from editqueue.adapters.job_store.databases.d1 import cached_for_d1, compiled_for_d1
from editqueue.adapters.job_store.schema import files

PREPARED = """
from sqlalchemy import insert, literal, select
from editqueue.adapters.job_store.databases.d1 import D1Database
from editqueue.adapters.job_store.schema import orders

database = D1Database(env.DB)
ORDER = {"id": "1", "user_id": "anna", "title": "Haus", "shootcode": "AB", "last_index": 0, "created_at": 7}
"""


def ran(statement: str) -> str:
    """Code that runs it in the isolate: None, or the class and the text of the error that comes out."""
    return f"""{PREPARED}
said = None
try:
    await database.run({statement})
except Exception as error:
    said = [type(error).__name__, str(error)]
said
"""


INSERT_AN_ORDER = ran("insert(orders).values(ORDER)")


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


@pytest.mark.parametrize("name", ["Küche", None])
def test_a_statement_that_was_seen_before_is_compiled_once_and_has_its_own_values(name: str | None) -> None:
    for ver, kept in ((3, True), (4, False), (4, True)):
        statement = (
            update(files)
            .where(files.c.id.in_(["a", "b"][: ver - 2]), files.c.ver == ver)
            .values(name=name, locked=kept, created_at=NOON)
        )
        plain = update(files).where(files.c.id == name, files.c.ver == ver).values(locked=kept, created_at=NOON)

        assert cached_for_d1(statement) == compiled_for_d1(statement)
        assert cached_for_d1(plain) == compiled_for_d1(plain)
        assert cached_for_d1(plain)[0] is cached_for_d1(plain)[0]


def test_more_parameters_than_d1_takes_are_refused_before_they_are_sent() -> None:
    with pytest.raises(ValueError, match="each_id"):
        compiled_for_d1(select(*(literal(number) for number in range(101))))


@pytest.fixture
async def there(cloudflare: Cloudflare) -> AsyncIterator[Isolate]:
    async with isolate(cloudflare) as opened:
        yield opened


async def test_a_constraint_is_told_from_a_database_that_is_away(cloudflare: Cloudflare, there: Isolate) -> None:
    assert await there.run(INSERT_AN_ORDER) is None

    name, said = await there.run(INSERT_AN_ORDER)
    assert name == "IntegrityError"
    assert "UNIQUE constraint failed: orders.id" in said

    await cloudflare.fail("batch", "D1_ERROR: overloaded")
    assert await there.run(INSERT_AN_ORDER) == ["StorageUnavailable", "D1: D1_ERROR: overloaded"]


async def test_what_d1_cannot_bind_is_a_defect_and_no_error_of_javascript(there: Isolate) -> None:
    name, said = await there.run(ran("select(literal(2**70))"))

    assert (name, said[:40]) == ("TypeError", "D1: D1_TYPE_ERROR: Type 'bigint' not sup")


async def test_none_is_null_to_d1(there: Isolate) -> None:
    null = "[[row]] = await database.run(select(literal(None).is_(None).label('null')))\nrow['null']"

    assert await there.run(PREPARED + null) == 1
