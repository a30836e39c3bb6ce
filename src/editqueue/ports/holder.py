"""The holder: a lock that a consumer holds while it lives, and by which the others know that it does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from editqueue.domain.ids import new_consumer_name


class Holder(Protocol):
    """One for each consumer process. The lock ends with the process, however it ends."""

    @property
    def consumer(self) -> str:
        """The name of the consumer: no other one ever has it."""
        ...

    @property
    def held_as(self) -> str | None:
        """The same name while the lock is held, else None. A claim made now is to name it: whoever finds that name's
        lock free takes its jobs over. A claim without a name is given to others by its age alone."""
        ...

    @property
    def losses(self) -> int:
        """How often the lock was lost so far. Who worked meanwhile may have lost a job, even if it is held again."""
        ...

    def hold(self) -> AbstractAsyncContextManager[None]:
        """Take the lock, and take it again should it get lost, until the end of the block.

        Raises nothing where it cannot be had: that is a warning in the log, and `held_as` is None.
        """
        ...

    async def next_look(self) -> None:
        """Wait until it is time to look whether other consumers are gone; for ever where nothing tells."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class NoHolder:
    """Where nothing tells who lives, as on D1: the age of a claim is all there is."""

    consumer: str = field(default_factory=new_consumer_name)
    held_as: None = None
    losses: int = 0

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        yield

    async def next_look(self) -> None:
        await asyncio.Event().wait()
