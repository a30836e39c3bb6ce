"""A session on PostgreSQL that a consumer process keeps while it lives, for LISTEN and for advisory locks.

Statements on jobs and files go over the store's own connections. This session comes back by itself, and on both sides a
connection whose other end has vanished without a word is given up within 30 s.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import AsyncConnection, Notify
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import ReadOnlySqlTransaction

from editqueue.domain.errors import StorageUnavailable
from editqueue.ports.journal import Journal

SHORTEST_WAIT: Final = 0.05
LONGEST_WAIT: Final = 0.5
"""Seconds between tries to connect; the first and the longest, doubling in between."""
WAIT_AFTER_REFUSAL: Final = 30.0
"""Seconds, where the server is there and does not give what a session needs: somebody has to change something."""
CONNECT_SECONDS: Final = 2
"""For one try to connect, the least that libpq knows. A server that is stopped takes connections and does not answer;
where packets get lost the kernel repeats the first after 1 and 3 s, others wait 2 s for a lock to be taken again."""
STATEMENT_SECONDS: Final = 5.0
"""For one statement; a session that takes longer is lost."""
_ON_OUR_SIDE: Final[Mapping[str, int]] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Seconds, milliseconds for the last: 10 + 3 x 5 s of silence end the connection."""
_ON_THE_SERVER: Final[Mapping[str, str]] = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
    "idle_session_timeout": "0",
    "synchronous_commit": "off",  # a notification that a power cut takes is nobody's loss
}
POOLED: Final = (
    "a pooler is between us and PostgreSQL: it may give one session to several clients; "
    "give EDITQUEUE_DATABASE_SESSION_URL the address of the server itself"
)


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class SessionUser:
    """What somebody who shares the session does when something happens to it."""

    begin: Callable[[], Coroutine[Any, Any, None]]
    """After each connect: LISTEN, take a lock. The session counts as connected when all have begun. What psycopg or
    `PostgresSession.execute` raises here ends this connection, and another is tried."""
    lost: Callable[[], None] = _nothing
    """A connection on which it had begun is gone, and with it what the server kept for it."""
    heard: Callable[[str, str], None] = _nothing
    """A notification came: its channel and its payload."""


class PostgresSession:
    """Connects at `start`, and again whenever the connection is lost. Its users join before it is started.

    `conninfo` is libpq's, `purpose` the application name that pg_stat_activity shows. Each outage is one warning in the
    journal, and its end another.
    """

    def __init__(self, conninfo: str, *, purpose: str, journal: Journal) -> None:
        self._conninfo = conninfo
        self._purpose = purpose
        self._journal = journal
        self._users: list[SessionUser] = []
        self._begun: list[SessionUser] = []
        self._connection: AsyncConnection | None = None
        self._connected = asyncio.Event()
        self._readable = asyncio.Event()
        self._watched: int | None = None
        """The number of the socket that the event loop watches for us."""
        self._turn = asyncio.Lock()
        """Held by whoever reads the socket."""
        self._keeper: asyncio.Task[None] | None = None
        self._told = False
        """Whether the journal knows of the present outage."""

    def join(self, user: SessionUser) -> None:
        self._users.append(user)

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    async def wait_until_connected(self) -> None:
        """For as long as it takes."""
        await self._connected.wait()

    def start(self) -> None:
        """Begin to connect, in the background; once begun, it does nothing."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End the session, and with it all that the server keeps for it."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def execute(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one statement with %s for each value; a transaction of its own.

        Raises StorageUnavailable without a connection, or when it is lost or silent for STATEMENT_SECONDS; what else
        psycopg raises stays itself.
        """
        connection = self._connection
        if connection is None:
            raise StorageUnavailable("database session: not connected")
        try:
            async with asyncio.timeout(STATEMENT_SECONDS), self._turn:
                try:
                    cursor = await connection.execute(statement, values or None)
                    return await cursor.fetchall() if cursor.description else []
                finally:
                    self._watch(connection)  # psycopg has watched the same socket for its answer, and left it
        except TimeoutError as error:
            self._give_up(connection)
            raise StorageUnavailable(f"database session: no answer within {STATEMENT_SECONDS:.0f} s") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if not connection.closed:  # refused, and the connection is sound
                raise
            raise StorageUnavailable(f"database session: {_first_line(error)}") from error

    async def _keep(self) -> None:
        wait = SHORTEST_WAIT
        while True:
            try:
                await self._live_once()
            except (StorageUnavailable, psycopg.OperationalError, ReadOnlySqlTransaction, OSError) as error:
                # Read-only for a moment: a standby that is about to take over.
                wait = SHORTEST_WAIT if self._begun else min(2 * wait, LONGEST_WAIT)
                self._end(error)
            except psycopg.Error as error:
                wait = WAIT_AFTER_REFUSAL
                self._end(error)
            except BaseException:
                self._end(None)
                raise
            await asyncio.sleep(wait)

    async def _live_once(self) -> None:
        """One connection, from its beginning until it is lost, which raises psycopg's errors or StorageUnavailable."""
        self._connection = connection = await self._connect()
        connection.add_notify_handler(self._deliver)
        await self._prepare(connection)
        for user in self._users:
            await user.begin()
            self._begun.append(user)
        self._connected.set()
        if self._told:
            self._told = False
            self._journal.warning("database_session_back", session=self._purpose)
        await self._listen(connection)

    async def _connect(self) -> AsyncConnection:
        given = conninfo_to_dict(self._conninfo)
        patience = min(CONNECT_SECONDS, int(given.get("connect_timeout") or CONNECT_SECONDS))
        options = {**_ON_OUR_SIDE, **given, "connect_timeout": patience, "application_name": self._purpose}
        return await AsyncConnection.connect(make_conninfo("", **options), autocommit=True, prepare_threshold=None)

    async def _prepare(self, connection: AsyncConnection) -> None:
        [(backend,)] = await self.execute("SELECT pg_backend_pid()")
        if backend != connection.info.backend_pid:
            raise psycopg.NotSupportedError(POOLED)
        for name, value in _ON_THE_SERVER.items():
            try:
                await self.execute("SELECT set_config(%s, %s, FALSE)", name, value)
            except (psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject):
                continue  # a server of another system, or an older one, has no such setting

    async def _listen(self, connection: AsyncConnection) -> None:
        """psycopg's own `notifies` wakes ten times a second while nothing comes; the socket alone wakes this."""
        while True:
            await self._readable.wait()
            self._readable.clear()
            async with self._turn:
                if connection.closed:
                    raise StorageUnavailable("database session: the connection is closed")
                try:
                    connection.pgconn.consume_input()
                except psycopg.Error:  # libpq has closed the socket
                    self._unwatch()
                    raise
                _hand_out(connection)

    def _watch(self, connection: AsyncConnection) -> None:
        """Be woken by what comes next, and by the end of the connection."""
        if connection.closed:
            self._unwatch()
            self._readable.set()
            return
        _hand_out(connection)
        self._watched = connection.fileno()
        asyncio.get_running_loop().add_reader(self._watched, self._readable.set)

    def _unwatch(self) -> None:
        """Before another socket can get the same number."""
        watched, self._watched = self._watched, None
        if watched is not None:
            asyncio.get_running_loop().remove_reader(watched)

    def _deliver(self, notification: Notify) -> None:
        for user in self._users:
            user.heard(notification.channel, notification.payload)

    def _give_up(self, connection: AsyncConnection) -> None:
        """Close it without a word to a server that does not answer."""
        self._unwatch()
        connection.pgconn.finish()
        self._readable.set()

    def _end(self, error: Exception | None) -> None:
        connection, self._connection = self._connection, None
        self._connected.clear()
        if connection is not None:
            self._give_up(connection)
        self._readable.clear()
        begun, self._begun = self._begun, []
        for user in begun:
            user.lost()
        if error is not None and not self._told:
            self._told = True
            self._journal.warning("database_session_lost", session=self._purpose, reason=_first_line(error))


def _hand_out(connection: AsyncConnection) -> None:
    """Give what libpq has read already to the handler."""
    while notification := connection.pgconn.notifies():
        if connection.pgconn.notify_handler is not None:
            connection.pgconn.notify_handler(notification)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
