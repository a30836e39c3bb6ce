"""Callers that ask at the same time share one round trip."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from editqueue.adapters.job_store.databases.database import GROUP_SECONDS, StatementRefused
from editqueue.domain.errors import EditQueueError, StorageUnavailable

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

MOST = 16
"""Asks that share a statement. More save nothing measurable and hold their rows longer."""


class Batcher(Generic[Ask, Answer]):
    """Whoever asks while a statement is under way goes along with the next one; nobody waits for company.

    `work` answers asks in their order, all or none of them. When it raises, each is asked again by itself, so
    that a bad one harms nobody else; not when the database is away, which concerns them all.
    Nobody waits longer than GROUP_SECONDS, those before them included.
    `unwanted` gets the answers of callers that were cancelled or left in the meantime.

    Each batch is a task of its own. However that task ends, every caller of the batch has an answer or an error, and
    the next batch begins. What `unwanted` raises besides errors of ours is reported by the event loop.
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
        self._batch: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, ask: Ask) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, answer))
        self._begin()
        try:
            async with asyncio.timeout(GROUP_SECONDS):
                return await answer
        except TimeoutError as error:
            raise StorageUnavailable(f"database: no answer within {GROUP_SECONDS:.0f} s") from error

    def _begin(self) -> None:
        self._waiting = [pair for pair in self._waiting if not pair[1].done()]
        if self._waiting and self._running is None:
            self._running = asyncio.create_task(self._answer_batch())
            self._running.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if any(not answer.done() for _, answer in self._batch):
            cause = None if task.cancelled() else task.exception()
            away = StorageUnavailable("database: the batch ended without an answer")
            _refuse(self._batch, cause if isinstance(cause, Exception) else away)
        self._batch, self._running = [], None
        self._begin()

    async def _answer_batch(self) -> None:
        self._batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        await self._answer(self._batch)

    async def _answer(self, batch: Sequence[tuple[Ask, asyncio.Future[Answer]]]) -> None:
        wanted = [pair for pair in batch if not pair[1].done()]
        if not wanted:
            return
        try:
            answers = await self._work([ask for ask, _ in wanted])
        except Exception as error:  # noqa: BLE001  # each caller gets it
            await self._answer_alone(wanted, error)
        else:
            await self._give_back(_dealt(wanted, answers))

    async def _answer_alone(self, batch: Sequence[tuple[Ask, asyncio.Future[Answer]]], error: Exception) -> None:
        away = isinstance(error, StorageUnavailable) and not isinstance(error, StatementRefused)
        if len(batch) == 1 or away:
            _refuse(batch, error)
            return
        for pair in batch:
            await self._answer([pair])

    async def _give_back(self, answers: Sequence[Answer]) -> None:
        """All of them, whatever one of them raises; the sweep mends what a known error keeps from being given back."""
        if not answers:
            return
        for raised in await asyncio.gather(*map(self._unwanted, answers), return_exceptions=True):
            if isinstance(raised, BaseException) and not isinstance(raised, EditQueueError):
                raise raised


def _refuse(batch: Sequence[tuple[object, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, waiting in batch:
        if not waiting.done():
            waiting.set_exception(error)


def _dealt(batch: Sequence[tuple[Ask, asyncio.Future[Answer]]], answers: Sequence[Answer]) -> Sequence[Answer]:
    """Give the answers out; returns those that nobody waits for any more."""
    unwanted: list[Answer] = []
    for (_, waiting), answer in zip(batch, answers, strict=True):
        if waiting.done():
            unwanted.append(answer)
        else:
            waiting.set_result(answer)
    return unwanted
