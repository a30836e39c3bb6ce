"""Templates: put together once, compiled once for each database, bound with exactly the values they ask for."""

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Executable, bindparam, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from editqueue.adapters.job_store.databases.constructs import (
    among,
    each,
    given_number,
    given_text,
    given_time,
    ids_as_json,
)
from editqueue.adapters.job_store.databases.statement import Statement, Template, once
from editqueue.adapters.job_store.schema import consumer_pauses, files

SQLITE = sqlite.dialect(paramstyle="qmark")
POSTGRES = postgresql.dialect(paramstyle="format")


def _rows(statement: Statement) -> list[tuple[Any, ...]]:
    sql, values = statement.compiled(SQLITE)
    with closing(sqlite3.connect(":memory:")) as connection:
        return connection.execute(sql, values).fetchall()


def test_a_template_is_compiled_once_for_each_database() -> None:
    template = Template(select(files.c.id).where(among(files.c.id)))

    first, again = template.compiled(SQLITE), template.compiled(SQLITE)
    there = template.compiled(POSTGRES)

    assert first is again
    assert "json_each(?)" in first.sql
    assert "= ANY (ARRAY(SELECT" in there.sql
    assert "json_each_text(CAST(%s" in there.sql


def test_each_run_has_values_of_its_own() -> None:
    template = Template(select(given_text("word"), given_number("number")))

    one, other = template.bind(word="a", number=1), template.bind(word="b", number=2)

    assert (_rows(one), _rows(other), _rows(one)) == ([("a", 1)], [("b", 2)], [("a", 1)])


@pytest.mark.parametrize(
    "values", [{}, {"wrod": "a"}, {"word": "a", "more": 1}], ids=["missing", "misspelt", "unknown"]
)
def test_a_missing_or_unknown_value_is_a_type_error_that_names_both(values: dict[str, object]) -> None:
    statement = Template(select(given_text("word"))).bind(**values)

    with pytest.raises(TypeError, match=re.escape(f"given {sorted(values)}, wanted ['word']: SELECT")):
        statement.compiled(SQLITE)


def test_no_value_is_a_value() -> None:
    assert _rows(Template(select(given_text("word").is_(None))).bind(word=None)) == [(1,)]


def test_a_list_is_refused_with_what_to_use_instead() -> None:
    with pytest.raises(ValueError, match=r"through among\(\)"):
        once(select(files.c.id).where(files.c.id.in_(["a", "b"]))).compiled(SQLITE)


def test_ids_of_any_number_are_one_value() -> None:
    template = Template(select(each("ids", "wanted").c.key))

    assert _rows(template.bind(ids=ids_as_json(["b", "a"]))) == [("b",), ("a",)]
    assert _rows(template.bind(ids=ids_as_json([]))) == []


def test_a_name_that_is_used_twice_is_one_value_in_every_place() -> None:
    template = Template(select(given_time(), literal("between"), given_time(), given_text("word"), given_time() + 1))

    assert _rows(template.bind(now=7, word="a")) == [(7, "between", 7, "a", 8)]


def test_a_value_that_the_template_has_needs_none() -> None:
    template = Template(update(files).where(files.c.id == given_text("file_id")).values(locked=False, updated_at=3))

    sql, values = template.bind(file_id="f").compiled(SQLITE)

    assert sql == "UPDATE files SET locked=?, updated_at=? WHERE files.id = ?"
    assert [*values] == [False, 3, "f"]


def test_a_column_may_be_asked_for_under_its_own_name() -> None:
    values = {column.name: bindparam(column.name, type_=column.type) for column in consumer_pauses.c}
    template = Template(
        update(consumer_pauses).where(consumer_pauses.c.consumer == given_text("consumer")).values(values)
    )

    _, bound = template.bind(consumer="c", ground="g", reason="r", since=1, seen_at=2).compiled(SQLITE)

    assert [*bound] == ["c", "g", "r", 1, 2, "c"]


def test_a_whole_row_is_asked_for_by_its_columns() -> None:
    template = Template(insert(consumer_pauses))

    with pytest.raises(TypeError, match=r"wanted \['consumer', 'ground', 'reason', 'seen_at', 'since'\]"):
        template.bind(consumer="c").compiled(SQLITE)


def test_what_is_run_once_has_all_its_values() -> None:
    assert _rows(once(select(literal("a"), literal(None), literal(1)))) == [("a", None, 1)]


@pytest.mark.parametrize(
    ("executable", "reads"),
    [(select(files.c.id), True), (update(files).values(locked=True), False), (text("SELECT 1"), False)],
    ids=["select", "update", "text"],
)
def test_only_a_select_is_known_to_change_nothing(executable: Executable, *, reads: bool) -> None:
    assert Template(executable).reads_only is reads
