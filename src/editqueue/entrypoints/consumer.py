"""The consumer: waits for messages, works on jobs, and looks after the queue while it lives."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, TypeVar

from editqueue.domain.errors import GroundLost, QueueUnavailable, StorageUnavailable
from editqueue.ports import Ports
from editqueue.ports.job_queue import Message, Redelivery
from editqueue.use_cases.consumer.answer_message import answer_message
from editqueue.use_cases.consumer.ground import Ground, find_lost_ground
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.consumer.rescue import rescue
from editqueue.use_cases.consumer.sweep import keep_house
from editqueue.use_cases.consumer.take_over import take_over
from editqueue.use_cases.unless_stopped import end_all, unless_stopped, within

T = TypeVar("T")
GRACE = timedelta(seconds=25)
LONGEST_BACKOFF = 30.0
"""Seconds between tries while the queue is away, or a defect of ours comes again."""
FIRST_AFTER_OUTAGE, LONGEST_AFTER_OUTAGE = 0.1, 1.0
"""The same where the database was away and is there again by the time it is probed; the first doubles."""
LONGEST_STREAK = 6
"""Failures after which the backoff grows no more; 2 to the power of an outage of hours is no float."""
AFTER_FAILURE = timedelta(seconds=30)
"""Until a message comes again that met a database out of reach."""
LEAVING = 5.0
"""Seconds a worker that is ending takes for giving its message back."""
DRAIN_POLL = 1.0
"""Seconds between looks at the database while the last jobs wait for their retry."""


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """One process at work, `concurrency` jobs at a time."""

    ports: Ports
    sweep_interval: timedelta
    concurrency: int = 1
    grace: timedelta = GRACE
    """How long running jobs may go on after `stop`; then they are handed back, unspent."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    _more: asyncio.Queue[Exception | None] = field(
        default_factory=partial(asyncio.Queue[Exception | None], 1), init=False
    )
    """Full while a worker is wanted to look at the database: at the start, after a look that found a job, and when a
    job that a look found may run again. An error in it tells a worker without a job that the bucket may be away."""

    async def run(self) -> None:
        """Work until `stop` is set. What jobs stand on may go away: it is waited for, and no attempt is spent."""
        self._want_a_look()
        await self._serve(self._work_once)

    async def drain(self) -> None:
        """Work until no job is queued or in progress, or until `stop` is set."""
        await self._serve(self._is_empty)

    async def _serve(self, step: Callable[[], Awaitable[bool]]) -> None:
        async with self.ports.holder.hold():
            await self._work(step)

    async def _work(self, step: Callable[[], Awaitable[bool]]) -> None:
        await self._patiently(rescue(self.ports))
        housekeepers = [asyncio.create_task(self._sweep_now_and_then()), asyncio.create_task(self._watch_the_others())]
        workers = [asyncio.create_task(self._persist(step)) for _ in range(self.concurrency)]
        everyone = asyncio.gather(*workers)
        stopped = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait([everyone, stopped], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([everyone], timeout=self.grace.total_seconds())
            if not everyone.done():
                everyone.cancel()
                await asyncio.gather(everyone, return_exceptions=True)
        finally:
            await end_all([*housekeepers, stopped, *workers])
        for worker in workers:
            if not worker.cancelled():
                worker.result()

    async def _persist(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Take `step` after `step` until one returns True; a failure is logged and waited out."""
        failures = 0
        while not self.stop.is_set():
            try:
                await unless_stopped(self._ground.there(), self.stop)
                if failures:  # messages that met an outage come again later than their jobs could run
                    await self._work_through_the_database()
                if await step():
                    return
                failures = 0
            except Exception as error:  # noqa: BLE001  # neither an outage nor a defect ends the consumer
                _stay_cancelled()
                failures = min(failures + 1, LONGEST_STREAK)
                await unless_stopped(self._wait_out(error, failures), self.stop)

    @cached_property
    def _ground(self) -> Ground:
        return Ground(self.ports, consumer=self.ports.holder.consumer)

    async def _wait_out(self, error: Exception, failures: int) -> None:
        lost = error if isinstance(error, GroundLost) else await find_lost_ground(self.ports)
        if lost is not None:
            await self._ground.wait(lost)
            return
        self.ports.journal.error(None, error)
        was_away = isinstance(error, StorageUnavailable)
        first, longest = (FIRST_AFTER_OUTAGE, LONGEST_AFTER_OUTAGE) if was_away else (1.0, LONGEST_BACKOFF)
        await self.ports.pause(min(first * 2 ** (failures - 1), longest))

    async def _work_once(self) -> bool:
        messages = await self._next_messages()
        if not messages:
            await self._work_through_the_database()
        for message in messages or ():
            await self._answer(message)
        return False

    async def _next_messages(self) -> Sequence[Message] | None:
        """None once stopped, and where a look at the database is wanted. A queue that fails is no reason to leave the
        work alone: the database is asked first."""
        if not self._more.empty():
            self._more.get_nowait()
            return None
        try:
            return await unless_stopped(self._receive_unless_more(), self.stop)
        except Exception:
            await self._work_through_the_database()
            raise

    async def _receive_unless_more(self) -> Sequence[Message] | None:
        """None if a look at the database is wanted before a message came."""
        messages = asyncio.ensure_future(self.ports.queue.receive(limit=1, wait=self.ports.queue.idle_poll))
        more = asyncio.create_task(self._more.get())
        try:
            await asyncio.wait([messages, more], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_all([more] if messages.done() else [more, messages])
        if messages.cancelled():
            failed = more.result()
            if failed is not None:
                raise failed
            return None
        if not more.cancelled():
            self._want_a_look()
        return messages.result()

    def _want_a_look(self, failed: Exception | None = None) -> None:
        with suppress(asyncio.QueueFull):
            self._more.put_nowait(failed)

    async def _answer(self, message: Message) -> None:
        if self.stop.is_set():
            await self._bring_again(message, timedelta(0))
            return
        try:
            again = await answer_message(message, self.ports)
        except asyncio.CancelledError:
            await self._leave_behind(message, timedelta(0))
            raise
        except Exception:
            await self._leave_behind(message, AFTER_FAILURE)
            raise
        if again is None:
            await self.ports.queue.settle(done=[message])
        else:
            await self._bring_again(message, again)

    async def _bring_again(self, message: Message, delay: timedelta) -> None:
        await self.ports.queue.settle(again=[Redelivery(message=message, delay=delay)])

    async def _leave_behind(self, message: Message, delay: timedelta) -> None:
        """Give a message back on the way out, as far as the queue lets us; else its lease runs out."""
        try:
            await within(LEAVING, self._bring_again(message, delay))
        except TimeoutError:
            self.ports.journal.error(None, QueueUnavailable(f"the queue took no message back within {LEAVING:g} s"))
        except Exception as error:  # noqa: BLE001  # what brought us here is what counts
            self.ports.journal.error(None, error)

    async def _work_through_the_database(self) -> None:
        """A look that finds a job lets the next idle worker look, too; one that finds none ends that."""
        while not self.stop.is_set() and self._ground.is_there:
            end = await process_next(self.ports, claimed=self._want_a_look)
            if end is None:
                with suppress(asyncio.QueueEmpty):
                    self._more.get_nowait()
                return
            if end.retry_in is not None:  # its message may be spent: whoever got it saw the job in progress
                asyncio.get_running_loop().call_later(end.retry_in.total_seconds(), self._want_a_look)

    async def _is_empty(self) -> bool:
        """Work on what may run now; True when nothing is left to wait for."""
        await self._work_through_the_database()
        if not await self.ports.store.has_work():
            return True
        await unless_stopped(self.ports.pause(DRAIN_POLL), self.stop)
        return False

    async def _sweep_now_and_then(self) -> None:
        while True:
            await self._patiently(self._keep_house())  # during a pause, too: a full disk is freed by it
            await self.ports.pause(self.sweep_interval.total_seconds())
            await self._patiently(rescue(self.ports))

    async def _keep_house(self) -> None:
        try:
            await keep_house(self.ports)
        except Exception as error:
            self._want_a_look(error)
            raise

    async def _watch_the_others(self) -> None:
        while True:
            await self._patiently(take_over(self.ports))
            await self._patiently(self.ports.holder.next_look())

    async def _patiently(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  # the next tick gets its turn whatever became of this one
            _stay_cancelled()
            self.ports.journal.error(None, error)
        _stay_cancelled()


def _stay_cancelled() -> None:
    """Raises CancelledError again if an error, say of the rollback it caused, took its place on the way here."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
