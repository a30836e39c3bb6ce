"""The driver for D1, beyond the contract that it keeps with the other databases."""

from collections.abc import AsyncIterator

import pytest

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import Isolate, isolate

PREPARED = """
from sqlalchemy import insert, literal, select, text
from editqueue.adapters.job_store.databases.d1 import D1Database
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.schema import orders

database = D1Database(env.DB)
ORDER = {"id": "1", "user_id": "anna", "title": "Haus", "shootcode": "AB", "last_index": 0, "created_at": 7}
"""


def ran(statement: str) -> str:
    """Code that runs it in the isolate: None, or the class and the text of the error that comes out."""
    return f"""{PREPARED}
said = None
try:
    await database.run(once({statement}))
except Exception as error:
    said = [type(error).__name__, str(error)]
said
"""


INSERT_AN_ORDER = ran("insert(orders).values(ORDER)")


@pytest.fixture
async def there(cloudflare: Cloudflare) -> AsyncIterator[Isolate]:
    async with isolate(cloudflare) as opened:
        yield opened


async def test_a_constraint_is_told_from_a_database_that_is_away(cloudflare: Cloudflare, there: Isolate) -> None:
    assert await there.run(INSERT_AN_ORDER) is None

    name, said = await there.run(INSERT_AN_ORDER)
    assert name == "ConstraintViolated"
    assert "UNIQUE constraint failed: orders.id" in said

    await cloudflare.fail("batch", "D1_ERROR: overloaded")
    assert await there.run(INSERT_AN_ORDER) == ["StorageUnavailable", "D1: D1_ERROR: overloaded"]


async def test_what_d1_cannot_bind_is_a_defect_and_no_error_of_javascript(there: Isolate) -> None:
    name, said = await there.run(ran("select(literal(2**70))"))

    assert (name, said[:40]) == ("TypeError", "D1: D1_TYPE_ERROR: Type 'bigint' not sup")


@pytest.mark.parametrize(
    "statement", ["text('SELECT FROM WHERE')", "text('SELECT no_such_column FROM orders')"], ids=["syntax", "column"]
)
async def test_a_wrong_statement_is_no_outage(there: Isolate, statement: str) -> None:
    name, _ = await there.run(ran(statement))

    assert name == "WrongStatement"


async def test_a_table_that_was_taken_away_is_an_outage(there: Isolate) -> None:
    name, _ = await there.run(ran("text('SELECT * FROM no_such_table')"))

    assert name == "StorageUnavailable"


async def test_truth_is_a_number_to_d1(there: Isolate) -> None:
    number = "[[row]] = await database.run(once(select(literal(True).label('n'))))\nrow['n']"

    assert await there.run(PREPARED + number) == 1


async def test_none_is_null_to_d1(there: Isolate) -> None:
    null = "[[row]] = await database.run(once(select(literal(None).is_(None).label('null'))))\nrow['null']"

    assert await there.run(PREPARED + null) == 1
