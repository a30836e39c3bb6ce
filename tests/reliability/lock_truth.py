"""The stateful run of promise 7: a file is locked exactly while its job is in progress."""

import asyncio
import tempfile
from collections.abc import Coroutine, Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from devtools.databases import Kind, new_postgres, new_sqlite
from devtools.seeds import NOON, URL, seed_files, seed_order
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import ClaimLost
from editqueue.domain.files import File, FileStatus, Notification
from editqueue.domain.jobs import LEGAL_TRANSITIONS, EditJob, JobStatus
from editqueue.ports.job_store import Claim, JobQuery, Renaming

T = TypeVar("T")
numbers = st.integers(min_value=0, max_value=3)


class LockTruth(RuleBasedStateMachine):
    """Customers and workers act on four files; after every step the books are checked."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = ExitStack()
        self.now: datetime = NOON
        self.store: SqlStore = self.wait(open_store(self.open.enter_context(self.database())))
        order = self.wait(seed_order(self.store))
        self.ids = [one.id for one in self.wait(seed_files(self.store, order, 4))]
        self.order_id = order.id
        self.claims: list[Claim] = []
        self.seen: dict[str, JobStatus] = {}

    @staticmethod
    @contextmanager
    def database() -> Generator[str]:
        """An empty one, for this example alone."""
        with tempfile.TemporaryDirectory() as folder:
            yield new_sqlite(Path(folder))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.wait(self.store.close())
        self.loop.close()
        self.open.close()

    def file(self, number: int) -> File:
        [found] = self.wait(self.store.files([self.ids[number]]))
        return found

    def everything(self) -> object:
        return self.jobs(), self.wait(self.store.files(self.ids)), self.notes()

    def notes(self) -> Sequence[Notification]:
        return self.wait(self.store.notifications("anna", limit=500, before_id=None))

    def jobs(self) -> Sequence[EditJob]:
        return self.wait(self.store.jobs(JobQuery(limit=500)))

    @rule(number=numbers, express=st.booleans())
    def submit(self, number: int, express: bool) -> None:
        self.wait(
            self.store.submit(
                [self.ids[number]], order_id=self.order_id, user_id="anna", express=express, notes=None, now=self.now
            )
        )

    @rule()
    def claim(self) -> None:
        taken = self.wait(self.store.claim_next(now=self.now))
        if taken is not None:
            self.claims.append(taken)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(min_value=0), end=st.sampled_from(["finish", "fail", "missing", "retry", "hand_back"]))
    def end(self, pick: int, end: str) -> None:
        """By the worker that holds the job now, or by one that lost it long ago."""
        taken = self.claims[pick % len(self.claims)]
        current = next(job for job in self.jobs() if job.id == taken.job.id)
        is_ours = current.token.startswith(taken.job.token)  # still, or it was ended by this claim
        before = self.everything()
        ended = current.token.removeprefix(taken.job.token)
        try:
            self.wait(self._end(taken, end))
        except ClaimLost:
            assert not is_ours or ended
            assert self.everything() == before
        else:
            assert is_ours
            if ended:  # the same end again
                assert self.everything() == before

    async def _end(self, taken: Claim, end: str) -> None:
        if end == "finish":
            await self.store.finish(taken, preview_url=URL, bytes_copied=1, now=self.now)
        elif end == "retry":
            later = self.now + timedelta(seconds=15)
            await self.store.retry_later(taken, error="e", run_after=later, now=self.now)
        elif end == "hand_back":
            await self.store.release(taken, now=self.now)
        else:
            status = FileStatus.QUEUED if end == "missing" else FileStatus.FAILED
            await self.store.fail(taken, error=end, message="{name}", file_status=status, now=self.now)

    @rule(minutes=st.sampled_from([1, 10, 16]))
    def time_passes_and_the_sweep_comes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.wait(
            self.store.rescue(
                started_before=self.now - timedelta(minutes=15), max_retries=3, message="{name}", now=self.now
            )
        )

    @rule(number=numbers, what=st.sampled_from(["delete", "rename", "revise"]), first=st.booleans())
    def a_mutation_races_claims(self, number: int, what: str, first: bool) -> None:
        before = self.file(number)

        async def race() -> list[Claim | None]:
            change = asyncio.create_task(self._mutate(before, what))
            claims = [self.store.claim_next(now=self.now) for _ in range(2)]
            if first:
                await asyncio.sleep(0)
            taken = await asyncio.gather(*claims)
            await change
            return taken

        self.claims += [one for one in self.wait(race()) if one is not None]
        after = self.file(number)
        assert not (after.deleted_at and after.locked)
        if before.locked:
            assert after == before

    async def _mutate(self, file: File, what: str) -> object:
        if what == "delete":
            return await self.store.delete_files([file.id], user_id="anna", now=self.now)
        if what == "rename":
            return await self.store.rename_files([_renaming(file)], user_id="anna", now=self.now)
        return await self.store.revise(file.id, user_id="anna", note="n", now=self.now)

    @rule(number=numbers)
    def rename(self, number: int) -> None:
        before = self.file(number)
        result = self.wait(self.store.rename_files([_renaming(before)], user_id="anna", now=self.now))
        assert result.done == (not before.locked and before.deleted_at is None)

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        before = self.file(number)
        self.wait(self.store.delete_files([before.id], user_id="anna", now=self.now))
        assert self.file(number) == before or not (before.locked or before.deleted_at)

    @rule(number=numbers)
    def revise(self, number: int) -> None:
        before = self.file(number)
        active = any(job.file_id == before.id and job.status in {"queued", "in_progress"} for job in self.jobs())
        revision = self.wait(self.store.revise(before.id, user_id="anna", note="n", now=self.now))
        free = not before.locked and before.deleted_at is None and before.status != FileStatus.UPLOADED
        assert (revision.job is not None) == (free and not active)

    @invariant()
    def a_file_is_locked_exactly_while_its_job_is_in_progress(self) -> None:
        running = {job.file_id for job in self.jobs() if job.status is JobStatus.IN_PROGRESS}
        locked = {one.id for one in self.wait(self.store.files(self.ids)) if one.locked}
        assert locked == running

    @invariant()
    def every_transition_was_legal(self) -> None:
        for job in self.jobs():
            before = self.seen.get(job.id, JobStatus.QUEUED)
            assert job.status == before or (before, job.status) in self._reachable()
            self.seen[job.id] = job.status

    def _reachable(self) -> set[tuple[JobStatus, JobStatus]]:
        """One rule may make two transitions: a sweep ends one claim, a race makes another."""
        twice = {(a, d) for a, b in LEGAL_TRANSITIONS for c, d in LEGAL_TRANSITIONS if b == c}
        return set(LEGAL_TRANSITIONS) | twice

    @invariant()
    def every_ended_job_told_its_customer_once(self) -> None:
        notes = self.notes()
        ended = {job.id for job in self.jobs() if job.finished_at and job.error != "file deleted"}
        assert sorted(note.job_id for note in notes) == sorted(ended)


def _renaming(file: File) -> Renaming:
    return Renaming(file_id=file.id, old_name=file.name, ver=file.ver, new_name=f"{file.name}x"[-40:])


class LockTruthOnPostgres(LockTruth):
    """The same, where transactions really run side by side."""

    @staticmethod
    @contextmanager
    def database() -> Generator[str]:
        with new_postgres() as new:
            yield new()


MACHINES: dict[Kind, type[LockTruth]] = {"sqlite": LockTruth, "postgresql": LockTruthOnPostgres}


def run_lock_truth(kind: Kind, *, examples: int, steps: int, shrink: bool = True) -> None:
    """Raises AssertionError, from the smallest run that Hypothesis finds, when the lock did not tell the truth."""
    run_state_machine_as_test(
        MACHINES[kind],
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        ),
    )
