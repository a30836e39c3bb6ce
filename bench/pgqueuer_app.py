"""pgqueuer as we measure it: on asyncpg, which its documentation recommends, one entrypoint that does nothing."""

import time

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries

ENTRYPOINT = "noop"
ended: list[float] = []
"""When each job of this process ran."""


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(url)


def make_pgqueuer(connection: "asyncpg.Connection[asyncpg.Record]") -> PgQueuer:
    app = PgQueuer.from_asyncpg_connection(connection)
    app.entrypoint(ENTRYPOINT)(noop)
    return app


async def noop(job: Job) -> None:
    del job
    ended.append(time.time())


async def enqueue(queries: Queries, numbers: range | list[int]) -> list[int]:
    """Its ids of the jobs."""
    many = len(numbers)
    return list(await queries.enqueue([ENTRYPOINT] * many, [str(number).encode() for number in numbers], [0] * many))
