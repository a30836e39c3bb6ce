"""A queue on PostgreSQL whose `send` does what the store does there: it commits a notification."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import psycopg

from devtools.world import RecordingJournal
from editqueue.adapters.job_queue.postgres import CHANNEL, PostgresQueue
from editqueue.adapters.postgres_session import PostgresSession

JOBS_A_NOTIFICATION = 200


class NotifiedQueue(PostgresQueue):
    def __init__(self, session: PostgresSession, url: str) -> None:
        super().__init__(session)
        self._url = url

    async def send(self, job_ids: Sequence[str]) -> None:
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            for place in range(0, len(job_ids), JOBS_A_NOTIFICATION):
                words = " ".join(["jobs", *job_ids[place : place + JOBS_A_NOTIFICATION]])
                await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, words))


@asynccontextmanager
async def notified_queue(url: str) -> AsyncGenerator[NotifiedQueue]:
    """One that listens already."""
    session = PostgresSession(url, purpose="editqueue test", journal=RecordingJournal())
    queue = NotifiedQueue(session, url)
    session.start()
    await session.wait_until_connected()
    try:
        yield queue
    finally:
        await queue.close()
        await session.close()
