"""Callers that ask at the same time share one round trip."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from editqueue.adapters.job_store.databases.database import StatementRefused
from editqueue.domain.errors import EditQueueError, StorageUnavailable

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

MOST = 16
"""Asks that share a statement. More save nothing measurable and hold their rows longer."""


class Batcher(Generic[Ask, Answer]):
    """Whoever asks while a statement is under way goes along with the next one; nobody waits for company.

    `work` answers asks in their order, all or none of them. When it raises, each is asked again by itself, so
    that a bad one harms nobody else; not when the database is away, which concerns them all.
    `unwanted` gets the answers of callers that were cancelled in the meantime.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Ask]], Awaitable[Sequence[Answer]]],
        *,
        unwanted: Callable[[Answer], Awaitable[None]],
    ) -> None:
        self._work = work
        self._unwanted = unwanted
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, one: Ask) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._answer([pair for pair in group if not pair[1].done()])

    async def _answer(self, group: Sequence[tuple[Ask, asyncio.Future[Answer]]]) -> None:
        if not group:
            return
        try:
            answers = await self._work([one for one, _ in group])
        except Exception as error:  # noqa: BLE001  # each caller gets it
            await self._answer_alone(group, error)
            return
        except BaseException as error:
            _refuse(group, error)
            raise
        for answer in _dealt(group, answers):
            with suppress(EditQueueError):  # the sweep mends what this cannot
                await self._unwanted(answer)

    async def _answer_alone(self, group: Sequence[tuple[Ask, asyncio.Future[Answer]]], error: Exception) -> None:
        away = isinstance(error, StorageUnavailable) and not isinstance(error, StatementRefused)
        if len(group) == 1 or away:
            _refuse(group, error)
            return
        for pair in group:
            await self._answer([pair])


def _refuse(group: Sequence[tuple[Ask, asyncio.Future[Answer]]], error: BaseException) -> None:
    for _, waiting in group:
        if not waiting.done():
            waiting.set_exception(error)


def _dealt(group: Sequence[tuple[Ask, asyncio.Future[Answer]]], answers: Sequence[Answer]) -> Sequence[Answer]:
    """Give the answers out; returns those that nobody waits for any more."""
    unwanted: list[Answer] = []
    for (_, waiting), answer in zip(group, answers, strict=True):
        if waiting.done():
            unwanted.append(answer)
        else:
            waiting.set_result(answer)
    return unwanted
