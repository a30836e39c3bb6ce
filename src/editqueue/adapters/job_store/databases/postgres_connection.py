"""One connection to PostgreSQL in pipeline mode: a group of statements goes out at once, and all answers come back.

psycopg's own pipelines wake the event loop for every statement and count a statement as prepared before the server has
said so. This speaks to libpq below them and leaves to psycopg how to connect, cancel and convert values.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.postgres_errors import ConnectionLost, QueryFailed, first_line

Query = tuple[str, Sequence[object]]
"""SQL with parameters $1, $2 ..., and their values."""

PREPARED_MOST: Final = 200
"""Statements prepared on a connection. The store has about 80 and no more come; this bounds the server's memory."""
CANCEL_SECONDS: Final = 2.0
BY_INDEX: Final = """
SELECT set_config('enable_seqscan', 'off', FALSE), set_config('jit', 'off', FALSE) WHERE pg_backend_pid() = %s
"""
"""The server keeps the plan of a prepared statement until a table of it is analyzed. A plan made while the tables were
new reads them whole, however long they have become. A table without an index seems to cost 10,000,000,000 then, and
before PostgreSQL 18 a statement as dear as that is compiled first. Not in a session that a pooler shares out: others
would have it, too."""
_SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
_ERROR: Final = int(ExecStatus.FATAL_ERROR)
_ROWS: Final = int(ExecStatus.TUPLES_OK)


class PostgresConnection:
    """Runs one group at a time; make it with `connect`."""

    def __init__(self, driver: psycopg.AsyncConnection[Any], *, prepares: bool) -> None:
        self._driver = driver
        self._pq = driver.pgconn
        self._socket = self._pq.socket
        self._loop = asyncio.get_running_loop()
        self._prepares = prepares
        self._prepared: set[bytes] = set()
        """Names that the server has confirmed."""
        self._values = Transformer(driver)
        self._waiting: asyncio.Future[None] | None = None
        self._lost: Exception | None = None
        self._under_way = False
        self.is_closed = False
        self._pq.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._arrived)

    @classmethod
    async def connect(cls, options: Mapping[str, Any], *, prepares: bool) -> "PostgresConnection":
        """`options` are libpq's. Raises psycopg.OperationalError."""
        driver: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect("", autocommit=True, **options)
        if prepares:
            try:
                await driver.execute(BY_INDEX, (driver.info.backend_pid,))
            except BaseException:
                await driver.close()
                raise
        return cls(driver, prepares=prepares)

    def is_usable(self) -> bool:
        """Whether the server has said nothing of an end so far; asks for no answer."""
        if not self.is_closed:
            self._arrived()
        return not self.is_closed

    async def run(self, queries: Sequence[Query]) -> Sequence[Rows]:
        """The rows of each. The group is one transaction without BEGIN and COMMIT: that of the pipeline up to its sync.

        Raises QueryFailed when the server refuses it, ConnectionLost when no answer comes any more; and psycopg.Error
        for a value that PostgreSQL does not take, before anything is sent. After ConnectionLost, and when cancelled,
        the connection is of no more use.
        """
        sent = [(sql.encode(), self._as_text(values)) for sql, values in queries]
        names: list[bytes | None] = []
        """Of the statements that the server is to prepare, and None for each one that it is to run: what it answers."""
        self._under_way = True
        for sql, values in sent:
            self._send(sql, values, names)
        self._pq.pipeline_sync()
        await self._flush()
        return [self._rows(result) for result in await self._results(names)]

    @property
    def is_idle(self) -> bool:
        """Whether all that was sent has been answered, so that the next group may come."""
        return not self._under_way and not self.is_closed

    def _as_text(self, values: Sequence[object]) -> Sequence[Any]:
        return self._values.dump_sequence(values, [PyFormat.TEXT] * len(values)) if values else ()

    def _send(self, sql: bytes, values: Sequence[Any], names: list[bytes | None]) -> None:
        """The types of the values are for the server to find: those of Python do not tell enough (text or json)."""
        name = prepared_name(sql)
        if name not in self._prepared and name not in names:
            if not self._prepares or len(self._prepared) >= PREPARED_MOST:
                self._pq.send_query_params(sql, values)
                names.append(None)
                return
            self._pq.send_prepare(name, sql)
            names.append(name)
        self._pq.send_query_prepared(name, values)
        names.append(None)

    async def _flush(self) -> None:
        while self._pq.flush():
            writable = self._loop.create_future()
            self._loop.add_writer(self._socket, _wake, writable)
            try:
                await writable
            finally:
                self._loop.remove_writer(self._socket)

    async def _results(self, names: Sequence[bytes | None]) -> Sequence[PGresult]:
        """Of the statements that were run. Reads on behind an error, so that the connection can be used again."""
        found: list[PGresult] = []
        failed: QueryFailed | ConnectionLost | None = None
        answered = 0
        while (result := await self._next(failed)).status != _SYNC:
            if failed is not None:
                continue
            if result.status == _ERROR:
                failed = _failure(result, committing=answered == len(names))
            elif name := names[answered]:
                self._prepared.add(name)
            else:
                found.append(result)
            answered += 1
        self._under_way = False
        if failed is not None:
            raise failed
        return found

    async def _next(self, failed: QueryFailed | ConnectionLost | None) -> PGresult:
        """The next answer; when none comes any more, `failed` is the reason if there is one."""
        while True:
            busy = self._pq.is_busy()
            result = None if busy else self._pq.get_result()
            if result is not None:
                return result
            if self._lost is not None:
                raise failed or ConnectionLost(first_line(self._lost)) from self._lost
            if busy:
                self._waiting = self._loop.create_future()
                await self._waiting

    def _arrived(self) -> None:
        """Read what has come, also while nobody waits: then it is the end of the connection."""
        try:
            self._pq.consume_input()
        except psycopg.OperationalError as error:
            self._lost = error
            self._leave()
        if self._waiting is not None:
            _wake(self._waiting)

    def _leave(self) -> None:
        self._loop.remove_reader(self._socket)
        self.is_closed = True

    async def cancel(self) -> None:
        """Ask the server to end what it is doing for us, and close."""
        try:
            await self._driver.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error:
            pass  # it cannot be asked
        finally:
            self.close()

    def close(self) -> None:
        """At once; a group under way fails."""
        if not self.is_closed:
            self._leave()
        self._pq.finish()
        if self._waiting is not None:
            _wake(self._waiting)

    def _rows(self, result: PGresult) -> Rows:
        if result.status != _ROWS:
            return []
        columns = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, lambda row: dict(zip(columns, row, strict=True)))


def _failure(result: PGresult, *, committing: bool) -> QueryFailed | ConnectionLost:
    def field(code: DiagnosticField) -> str:
        return (result.error_field(code) or b"").decode("utf-8", "replace")

    message = field(DiagnosticField.MESSAGE_PRIMARY)
    state = field(DiagnosticField.SQLSTATE)
    if not state:  # libpq's own: the connection is gone
        return ConnectionLost(result.get_error_message().split("\n")[0])
    function = field(DiagnosticField.SOURCE_FUNCTION)
    return QueryFailed(message, state=state, function=function, committing=committing)


@lru_cache(PREPARED_MOST)
def prepared_name(sql: bytes) -> bytes:
    """Of the prepared statement, wherever it is prepared: behind a proxy that shares sessions, another process of ours
    may have prepared it."""
    return b"editqueue_" + blake2b(sql, digest_size=12).hexdigest().encode()


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
