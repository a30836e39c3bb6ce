"""The queues that a bench compares, each on a database of its own on one PostgreSQL."""

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from bench.queues.by_pgqueuer import pgqueuer_queue
from bench.queues.by_procrastinate import procrastinate_queue
from bench.queues.ours import our_queue
from bench.queues.queue import Queue
from devtools.databases import new_postgres, postgres_server


@asynccontextmanager
async def side_by_side(
    folder: Path, *, files: int, queue: str | None = None, name: str = "ours"
) -> AsyncGenerator[Sequence[Queue]]:
    """Ours first, then the peers; `queue` is our EDITQUEUE_QUEUE. All databases are dropped at the end.

    Raises UnknownQueue.
    """
    async with AsyncExitStack() as stack:
        new = stack.enter_context(new_postgres())
        peers = [_empty(stack) for _ in range(2)]
        yield [
            await stack.enter_async_context(our_queue(new(), folder / "ours", files=files, queue=queue, name=name)),
            await stack.enter_async_context(procrastinate_queue(peers[0])),
            await stack.enter_async_context(pgqueuer_queue(peers[1])),
        ]


@contextmanager
def changed_settings(**settings: str) -> Generator[None]:
    """The server that all of them use works with other settings for a while."""
    server = postgres_server()
    for name, value in settings.items():
        server.say(f"ALTER SYSTEM SET {name} = {value}")
    server.say("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        for name in settings:
            server.say(f"ALTER SYSTEM RESET {name}")
        server.say("SELECT pg_reload_conf()")


def _empty(stack: AsyncExitStack) -> str:
    server = postgres_server()
    name = server.create()
    stack.callback(server.drop, name)
    return server.url(name)
