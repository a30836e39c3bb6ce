"""What a camera wrote into a photo may be a megabyte a file: it is kept, and comes with no answer."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import text

from devtools.databases import NewDatabase
from devtools.history import Size, load
from devtools.scratch import NOW
from devtools.tour import EXIF, Tour
from editqueue.adapters.job_store.databases.database import Database, Row, Rows
from editqueue.adapters.job_store.databases.statement import Statement, once
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.store.postgres_store import PostgresStore
from editqueue.adapters.job_store.store.sql_store import SqlStore

FILLED = "UPDATE files SET exif_meta = :exif"
KEPT = "SELECT count(*) AS n FROM files WHERE exif_meta <> :exif OR exif_meta IS NULL"
READ_FILES = {"add_file", "claim_next", "begin_expiry", "known_objects", "list_files", "files", "mark_files", "submit"}
"""Methods to which rows of files must have come."""


class Overheard:
    """A database, and what it answered to each method of the store."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.method = ""
        self.rows: dict[str, list[Row]] = defaultdict(list)

    def begin(self, method: str) -> None:
        self.method = method

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        answers = await self._inner.run(*statements)
        self.rows[self.method] += [row for rows in answers for row in rows]
        return answers

    def methods(self, got: Callable[[Row], bool]) -> set[str]:
        """Those to which a row came that `got` is true of."""
        return {method for method, rows in self.rows.items() if any(map(got, rows))}

    async def probe(self) -> datetime:
        return await self._inner.probe()

    async def close(self) -> None:
        await self._inner.close()


async def test_no_method_of_the_store_reads_the_exif_data_of_a_file(new_database: NewDatabase) -> None:
    url = new_database()
    database = open_database(url)
    await load(database, Size(finished=600, queued=40, files=600), moment=round(NOW.timestamp() * 1000))
    await database.run(once(text(FILLED).bindparams(exif=EXIF)))
    overheard = Overheard(database)
    store = PostgresStore(overheard) if url.startswith("postgresql") else SqlStore(overheard)

    await Tour(store=store, before=overheard.begin, gone="nobody").go()

    [[kept]] = await database.run(once(text(KEPT).bindparams(exif=EXIF)))
    await store.close()
    assert kept["n"] == 0, "every file has some"
    assert overheard.methods(lambda row: any(name.endswith("position") for name in row)) >= READ_FILES
    assert overheard.methods(lambda row: EXIF in row.values()) == set()
