"""The session of a consumer process: it comes back by itself, and both its sides notice when the other is gone."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from devtools.databases import new_postgres
from devtools.own_postgres import OwnPostgres, own_postgres
from devtools.patience import PATIENCE
from devtools.postgres import Postgres
from devtools.world import RecordingJournal
from editqueue.adapters import postgres_session
from editqueue.adapters.postgres_session import PostgresSession, SessionUser
from editqueue.domain.errors import StorageUnavailable


@dataclass
class Guest:
    """Somebody who shares the session, and writes down what happens to it."""

    session: PostgresSession
    events: list[str] = field(default_factory=list[str])

    def user(self) -> SessionUser:
        return SessionUser(begin=self.begin, lost=self.lost, heard=self.heard)

    async def begin(self) -> None:
        await self.session.execute("LISTEN news")
        self._note("began")

    def lost(self) -> None:
        self._note("lost")

    def heard(self, channel: str, payload: str) -> None:
        self._note(f"{channel}: {payload}")

    def _note(self, event: str) -> None:
        self.events.append(event)

    async def until(self, *events: str) -> None:
        await until(lambda: self.events == [*events])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110  # several things are waited for in this way
            await asyncio.sleep(0.001)


@pytest.fixture
def database() -> Iterator[str]:
    with new_postgres() as new:
        yield new()


@pytest.fixture(scope="class")
def on_tcp() -> Iterator[OwnPostgres]:
    """Stopped and started at will; a Unix socket, as the server of the other tests has it, needs no keepalives."""
    with own_postgres() as server:
        yield server


@pytest.fixture
def server(database: str) -> Postgres:
    return Postgres(admin_url=database)


@pytest.fixture
def journal() -> RecordingJournal:
    return RecordingJournal()


@pytest.fixture
async def session(database: str, journal: RecordingJournal) -> AsyncIterator[PostgresSession]:
    made = PostgresSession(database, purpose="editqueue test", journal=journal)
    yield made
    await made.close()


@pytest.fixture
async def guest(session: PostgresSession) -> Guest:
    made = Guest(session)
    session.join(made.user())
    return made


async def connected(session: PostgresSession) -> None:
    session.start()
    async with asyncio.timeout(PATIENCE):
        await session.wait_until_connected()


async def backend(session: PostgresSession) -> int:
    [(number,)] = await session.execute("SELECT pg_backend_pid()")
    return number


@dataclass(frozen=True, kw_only=True)
class Keepalives:
    """What a socket of this process asks of the network; seconds, and milliseconds for `unsent`."""

    keepalive: bool
    idle: int
    interval: int
    count: int
    unsent: int


def _sockets() -> Sequence[int]:
    """Of this process."""
    return [int(link.name) for link in Path("/proc/self/fd").iterdir() if link.is_socket()]


def socket_to(port: int) -> Keepalives:
    """The only one of this process that is connected to `port`."""
    for descriptor in _sockets():
        with socket.socket(fileno=os.dup(descriptor)) as copy, suppress(OSError):  # not all are connected
            if copy.getpeername()[1:2] == (port,):
                return Keepalives(
                    keepalive=bool(copy.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)),
                    idle=copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                    interval=copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                    count=copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                    unsent=copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                )
    raise AssertionError(f"no socket to port {port}")


def terminate(server: Postgres, number: int) -> None:
    server.say(f"SELECT pg_terminate_backend({number})")


class TestItsUsers:
    async def test_hear_what_others_say(self, session: PostgresSession, guest: Guest, server: Postgres) -> None:
        await connected(session)

        await asyncio.to_thread(server.say, "NOTIFY news, 'rain'")

        await guest.until("began", "news: rain")

    async def test_hear_what_comes_together_with_an_answer(self, session: PostgresSession, guest: Guest) -> None:
        await connected(session)

        await session.execute("SELECT pg_notify('news', 'rain')")

        await guest.until("began", "news: rain")

    async def test_begin_anew_after_each_connect(
        self, session: PostgresSession, guest: Guest, server: Postgres
    ) -> None:
        await connected(session)

        await asyncio.to_thread(terminate, server, await backend(session))
        await guest.until("began", "lost", "began")
        await asyncio.to_thread(server.say, "NOTIFY news, 'sun'")

        await guest.until("began", "lost", "began", "news: sun")

    async def test_may_be_many_who_speak_at_once(self, session: PostgresSession, guest: Guest) -> None:
        await connected(session)

        answers = await asyncio.gather(*[session.execute("SELECT %s::int", number) for number in range(20)])

        assert [row for [row] in answers] == [(number,) for number in range(20)]
        assert guest.events == ["began"]

    async def test_that_fail_to_begin_make_it_try_again(self, session: PostgresSession) -> None:
        began = asyncio.Event()
        tries: list[int] = []

        async def begin_at_the_third_time() -> None:
            tries.append(len(tries))
            if len(tries) < 3:
                raise StorageUnavailable("not yet")
            began.set()

        session.join(SessionUser(begin=begin_at_the_third_time))
        await connected(session)

        assert began.is_set()


class TestALostSession:
    async def test_refuses_statements_as_a_database_that_is_away(
        self, session: PostgresSession, server: Postgres
    ) -> None:
        await connected(session)
        number = await backend(session)
        await asyncio.to_thread(terminate, server, number)

        async def ask_until_it_is_noticed() -> None:
            while True:
                assert await backend(session) == number

        with pytest.raises(StorageUnavailable):
            await ask_until_it_is_noticed()

    async def test_is_told_of_once_and_so_is_its_return(
        self, session: PostgresSession, guest: Guest, server: Postgres, journal: RecordingJournal
    ) -> None:
        await connected(session)

        await asyncio.to_thread(terminate, server, await backend(session))
        await guest.until("began", "lost", "began")
        await connected(session)

        assert journal.warnings == ["database_session_lost", "database_session_back"]

    async def test_keeps_its_tries_short_while_nobody_answers(self, journal: RecordingJournal) -> None:
        session = PostgresSession("postgresql://nobody@127.0.0.1:1/nothing", purpose="test", journal=journal)
        session.start()
        await until(lambda: bool(journal.warnings))

        with pytest.raises(StorageUnavailable, match="not connected"):
            await session.execute("SELECT 1")
        await session.close()

        assert journal.warnings == ["database_session_lost"]

    async def test_leaves_a_refusal_of_its_statements_to_who_made_them(self, session: PostgresSession) -> None:
        await connected(session)
        number = await backend(session)

        with pytest.raises(psycopg.errors.UndefinedTable):
            await session.execute("SELECT * FROM nowhere")

        assert await backend(session) == number


class TestAPooler:
    async def test_is_found_by_a_server_process_that_is_not_the_one_that_signed_us_in(
        self, session: PostgresSession, guest: Guest, journal: RecordingJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may give our session to somebody else: nobody begins on it, and the journal is told once."""
        tries: list[object] = []

        def somebody_elses(info: object) -> int:
            tries.append(info)
            return 1

        monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", property(somebody_elses))
        monkeypatch.setattr(postgres_session, "WAIT_AFTER_REFUSAL", 0.0)

        session.start()
        await until(lambda: len(tries) >= 3)

        assert not session.is_connected
        assert guest.events == []
        assert journal.warnings == ["database_session_lost"]


class TestBothSides:
    async def test_notice_within_thirty_seconds_that_the_other_has_vanished(
        self, on_tcp: OwnPostgres, journal: RecordingJournal
    ) -> None:
        session = PostgresSession(on_tcp.url(), purpose="editqueue test", journal=journal)
        await connected(session)
        rows = await session.execute("SELECT setting::int FROM pg_settings WHERE name LIKE 'tcp_%' ORDER BY name")
        count, idle, interval, unsent = [number for (number,) in rows]
        ours = socket_to(on_tcp.port)
        await session.close()

        assert idle + count * interval <= 30
        assert unsent <= 30_000
        assert ours.keepalive
        assert ours.idle + ours.count * ours.interval <= 30
        assert ours.unsent <= 30_000

    async def test_are_back_within_a_second_after_the_server_is(
        self, on_tcp: OwnPostgres, journal: RecordingJournal
    ) -> None:
        session = PostgresSession(on_tcp.url(), purpose="editqueue test", journal=journal)
        guest = Guest(session)
        session.join(guest.user())
        await connected(session)

        await asyncio.to_thread(on_tcp.stop)
        await guest.until("began", "lost")
        await asyncio.to_thread(on_tcp.start)
        async with asyncio.timeout(PATIENCE):
            await session.wait_until_connected()
        await session.close()

        assert guest.events == ["began", "lost", "began", "lost"]


class TestItsEnd:
    async def test_nothing_is_left_of_it_at_the_end(self, session: PostgresSession, server: Postgres) -> None:
        await connected(session)
        number = await backend(session)

        await session.close()

        def is_gone() -> bool:
            with psycopg.connect(server.admin_url) as asking:
                return asking.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [number]).fetchone() is None

        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(is_gone):
                pass
        assert asyncio.all_tasks() == {asyncio.current_task()}
