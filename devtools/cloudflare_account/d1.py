"""D1: databases that are made, listed and asked. Each is SQLite in memory, or whatever `Execute` reaches."""

import re
import sqlite3
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devtools.cloudflare_account.call import Call, Refusal

SQLITE_ERROR = 7500
Rows = list[dict[str, Any]]
Execute = Callable[[Sequence[tuple[str, Sequence[object]]]], list[Rows]]
"""Runs statements as one transaction, and gives the rows of each. Raises sqlite3.Error."""


def in_memory() -> Execute:
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA foreign_keys = ON")

    def execute(statements: Sequence[tuple[str, Sequence[object]]]) -> list[Rows]:
        database.execute("BEGIN")
        try:
            found = [[dict(row) for row in database.execute(sql, params).fetchall()] for sql, params in statements]
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
        return found

    weakref.finalize(execute, database.close)  # Python 3.13 warns of a database that nobody closed
    return execute


@dataclass(kw_only=True)
class Database:
    id: str
    name: str
    jurisdiction: str | None
    execute: Execute

    def described(self) -> dict[str, Any]:
        described = {"uuid": self.id, "name": self.name, "version": "production", "created_at": "2026-11-01T00:00:00Z"}
        return described if self.jurisdiction is None else {**described, "jurisdiction": self.jurisdiction}


@dataclass(kw_only=True)
class D1:
    new_database: Callable[[], Execute] = in_memory
    databases: dict[str, Database] = field(default_factory=dict[str, Database])
    """By id."""

    def find(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.query.get("name", "")
        return [database.described() for database in self.databases.values() if wanted in database.name]

    def create(self, call: Call) -> dict[str, Any]:
        name = call.body["name"]
        if any(database.name == name for database in self.databases.values()):
            raise Refusal(400, 7502, f"A database with the name '{name}' already exists")
        made = Database(
            id=str(uuid.uuid4()), name=name, jurisdiction=call.body.get("jurisdiction"), execute=self.new_database()
        )
        self.databases[made.id] = made
        return made.described()

    def get(self, call: Call) -> dict[str, Any]:
        return self._database(call.path).described()

    def query(self, call: Call) -> list[dict[str, Any]]:
        asked = call.body.get("batch", [call.body])
        statements = [(sql, query.get("params", [])) for query in asked for sql in split(query["sql"])]
        try:
            found = self._database(call.path).execute(statements)
        except sqlite3.Error as error:
            raise Refusal(400, SQLITE_ERROR, f"{error}: SQLITE_ERROR") from error
        meta = {"duration": 0.1, "rows_read": 0, "rows_written": 0, "changes": 0}
        return [{"success": True, "results": rows, "meta": meta} for rows in found]

    def _database(self, path: Mapping[str, str]) -> Database:
        found = self.databases.get(path["database"])
        if found is None:
            raise Refusal(404, 7404, f"The database {path['database']} could not be found")
        return found


def split(sql: str) -> list[str]:
    """The statements of a script, without comments and empty ones."""
    statements: list[str] = []
    pending = ""
    for piece in re.split(r"(?<=;)", re.sub(r"^\s*--.*$", "", sql, flags=re.MULTILINE)):
        pending += piece
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    return [statement for statement in [*statements, pending.strip()] if statement.strip(" ;\n")]
