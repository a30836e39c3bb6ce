"""`Holder` on PostgreSQL: an advisory lock of the consumer's own session."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

import psycopg

from editqueue.adapters.job_store.holders.advisory_locks import FORGET, LOCK_CLASS, REGISTER, TRY_LOCK, UNLOCK
from editqueue.adapters.postgres_session import PostgresSession, SessionUser
from editqueue.domain.errors import StorageUnavailable
from editqueue.ports.journal import Journal
from editqueue.use_cases.unless_stopped import within

LOOK_EVERY: Final = 1.5
"""Seconds between looks. With the 2 s in which a consumer that seems to be gone may come back, its jobs are queued
again 3.5 s after its end."""
RETRY_EVERY: Final = 0.5
"""Seconds between tries where somebody else holds the lock. That is a session of ours that we have lost and the server
has not yet; when it ends, others leave us 2 s before they take our jobs over."""
START_SECONDS: Final = 2.0
"""A consumer waits so long for its lock before it begins to work. What it claims without has 15 minutes."""
LEAVING: Final = 2.0
"""Seconds for giving the lock back; else it ends with the session."""


class SessionHolder:
    """The session is closed by whoever made it; with it the lock is gone."""

    def __init__(self, session: PostgresSession, *, consumer: str, journal: Journal) -> None:
        self._session = session
        self._consumer = consumer
        self._journal = journal
        self._wanted = False
        self._held = False
        self._losses = 0
        self._warned = False
        self._turn = asyncio.Lock()
        session.join(SessionUser(begin=self._take, lost=self._lost))

    @property
    def consumer(self) -> str:
        return self._consumer

    @property
    def held_as(self) -> str | None:
        return self._consumer if self._held else None

    @property
    def losses(self) -> int:
        return self._losses

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        self._wanted = True
        try:
            await self._begin()
            yield
        finally:
            self._wanted = False
            await self._leave()

    async def next_look(self) -> None:
        await asyncio.sleep(LOOK_EVERY if self._held else RETRY_EVERY)
        if not self._held and self._session.is_connected:
            with suppress(StorageUnavailable, psycopg.Error):  # the session tells of what ends it
                await self._take()

    async def _begin(self) -> None:
        with suppress(TimeoutError, StorageUnavailable, psycopg.Error):
            async with asyncio.timeout(START_SECONDS):
                if self._session.is_connected:  # for somebody else
                    await self._take()
                self._session.start()
                await self._session.wait_until_connected()

    async def _take(self) -> None:
        """Try to get the lock in the present session, and be known by name once it is ours. Raises as the session's
        `execute` does."""
        async with self._turn:
            if not self._wanted or self._held:
                return
            [(taken,)] = await self._session.execute(TRY_LOCK, LOCK_CLASS, self._consumer)
            if taken:
                await self._session.execute(REGISTER, self._consumer)
                self._held, self._warned = True, False
            elif not self._warned:
                self._warned = True
                reason = "another session holds it: one of this process that the server has not given up yet"
                self._journal.warning("consumer_lock_missing", consumer=self._consumer, reason=reason)

    def _lost(self) -> None:
        self._losses += self._held
        self._held = False

    async def _leave(self) -> None:
        """Unless jobs of ours are in progress, the name is forgotten. Whoever finds it without a lock takes them."""
        held, self._held = self._held, False
        if held:
            with suppress(TimeoutError, StorageUnavailable, psycopg.Error):
                await within(LEAVING, self._give_up())

    async def _give_up(self) -> None:
        await self._session.execute(FORGET, self._consumer)
        await self._session.execute(UNLOCK, LOCK_CLASS, self._consumer)
