"""A queue on PostgreSQL: the transaction that makes jobs notifies, and each consumer listens on its session.

See docs/decisions/0107 for who is woken by what.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final, LiteralString

import psycopg

from editqueue.adapters.job_queue.idle_workers import IdleWorkers
from editqueue.adapters.job_queue.inbox import Inbox
from editqueue.adapters.postgres_session import PostgresSession, SessionUser
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.ids import new_token
from editqueue.ports.job_queue import Message, Redelivery

CHANNEL: Final = "editqueue"
"""Also in job_store/statements/wake_ups.py, which says `jobs ID ID ...` on it."""
LISTEN: Final[LiteralString] = "LISTEN editqueue"
SAY: Final[LiteralString] = "SELECT pg_notify('editqueue', said) FROM unnest(%s::text[]) AS said"


class PostgresQueue:
    """`JobQueue` by LISTEN and NOTIFY. `send` has nothing to do: a store that notifies has said it with the jobs.

    A job wakes one idle worker of all consumers. Without its session, a consumer polls every `idle_poll`, and looks at
    the database once when the session is back.
    """

    idle_poll = timedelta(seconds=1)

    def __init__(self, session: PostgresSession) -> None:
        self._session = session
        self._name = new_token()[:16]
        self._inbox = Inbox(begins_to_wait=self._announce)
        self._idle = IdleWorkers()
        self._owes_a_look = False
        """A job came while nobody was idle: whoever of us is through with its own looks before it waits."""
        self._is_listening = False
        self._is_announcing = False
        self._saying: set[asyncio.Task[None]] = set()
        session.join(SessionUser(begin=self._begin, lost=self._lost, heard=self._heard))

    async def send(self, job_ids: Sequence[str]) -> None:
        del job_ids

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        self._session.start()
        if self._owes_a_look and self._inbox.is_empty:
            self._owes_a_look = False
            return []
        return await self._inbox.take(limit=limit, wait=wait)

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        del done  # received is gone: nothing to acknowledge
        self._inbox.bring_again(again)

    async def close(self) -> None:
        """Tells the others that we take no more. The session is closed by whoever opened it."""
        self._inbox.close()
        for task in self._saying:
            task.cancel()
        await asyncio.gather(*self._saying, return_exceptions=True)
        was_listening, self._is_listening = self._is_listening, False
        if was_listening:
            with suppress(StorageUnavailable, psycopg.Error):
                await self._session.execute(SAY, [self._idle_now(0)])

    async def _begin(self) -> None:
        await self._session.execute(LISTEN)
        self._is_listening = True
        await self._session.execute(SAY, ["hello"])
        self._look()  # what was notified while nobody listened

    def _lost(self) -> None:
        self._is_listening = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._idle.forget_all()
        self._is_announcing = False

    def _look(self) -> None:
        """One worker of ours looks at the database: at once if one waits, else as soon as one would."""
        if self._inbox.idle:
            self._inbox.let_one_look()
        else:
            self._owes_a_look = True

    def _heard(self, channel: str, payload: str) -> None:
        match payload.split() if channel == CHANNEL else []:
            case ["hello"]:  # somebody new, who knows of nobody: all begin anew
                self._begin_anew()
                self._announce()
            case ["idle", consumer, count] if count.isdecimal():
                self._idle.said(consumer, int(count))
                if consumer == self._name:
                    self._is_announcing = False
                    self._announce()
            case ["jobs", *job_ids]:
                for job_id in job_ids:
                    self._deal(job_id)
            case _:
                pass

    def _deal(self, job_id: str) -> None:
        chosen = self._idle.give()
        if chosen in {self._name, None} and self._inbox.idle:
            self._inbox.put([job_id])  # chosen, or idle without the others knowing it yet
        elif chosen == self._name:  # busy without the others knowing it
            self._say(self._idle_now(0), f"jobs {job_id}")
        elif chosen is None:
            self._owes_a_look = True

    def _announce(self) -> None:
        """Tell the others of idle workers that they do not know of."""
        idle = self._inbox.idle
        if self._is_listening and not self._is_announcing and idle > self._idle.count(self._name):
            self._is_announcing = True
            self._say(self._idle_now(idle))

    def _idle_now(self, count: int) -> str:
        return f"idle {self._name} {count}"

    def _say(self, *said: str) -> None:
        task = asyncio.create_task(self._try_to_say(said))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _try_to_say(self, said: Sequence[str]) -> None:
        try:
            await self._session.execute(SAY, [*said])
        except (StorageUnavailable, psycopg.Error):  # polls find the jobs; whoever waits next says it again
            self._is_announcing = False
