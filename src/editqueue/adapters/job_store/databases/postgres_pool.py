"""Connections to PostgreSQL that groups take turns with."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.postgres_connection import PostgresConnection, Query
from editqueue.adapters.job_store.databases.postgres_errors import QueryFailed

KEPT: Final = 5
"""Connections that stay open while nobody needs them."""
MOST: Final = 15
"""In one process. A group holds one for milliseconds, so that 64 jobs at a time (the largest EDITQUEUE_CONCURRENCY) and
an API do not wait for each other."""
KEEP_SECONDS: Final = 10.0
"""How long those beyond KEPT stay after a rush: making one takes longer than a group."""


class PostgresPool:
    """A group gets the connection that was used last, so that the others can be told apart as not needed."""

    def __init__(self, options: Mapping[str, Any], *, prepares: bool) -> None:
        self._options = options
        self._prepares = prepares
        self._places = asyncio.Semaphore(MOST)
        self._idle: deque[PostgresConnection] = deque()
        self._busy: set[PostgresConnection] = set()
        self._is_closed = False
        self._shrinking: asyncio.TimerHandle | None = None

    async def run(self, queries: Sequence[Query]) -> Sequence[Rows]:
        """See `PostgresConnection.run`; one that the server has ended in the meantime is replaced first."""
        async with self._places:
            connection = self._usable() or await PostgresConnection.connect(self._options, prepares=self._prepares)
            self._busy.add(connection)
            try:
                return await connection.run(queries)
            except asyncio.CancelledError:
                await connection.cancel()
                raise
            except QueryFailed as error:
                self._prepares = self._prepares and not error.sessions_are_shared
                if error.spoils_connection:
                    connection.close()
                    self._close_idle()  # they have prepared the same
                raise
            finally:
                self._busy.discard(connection)
                self._keep(connection)

    def _usable(self) -> PostgresConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable():
                return connection
            connection.close()
        return None

    def _keep(self, connection: PostgresConnection) -> None:
        if self._is_closed or not connection.is_idle:
            connection.close()
            return
        self._idle.append(connection)
        if len(self._idle) > KEPT and self._shrinking is None:
            self._shrinking = asyncio.get_running_loop().call_later(KEEP_SECONDS, self._shrink)

    def _shrink(self) -> None:
        self._shrinking = None
        while len(self._idle) > KEPT:
            self._idle.popleft().close()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """At once, whatever goes on: groups under way fail."""
        self._is_closed = True
        if self._shrinking is not None:
            self._shrinking.cancel()
        self._close_idle()
        for connection in self._busy:
            connection.close()
