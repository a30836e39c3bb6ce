"""Defects put into the real code on purpose: what the simulation must find."""

import importlib
import pkgutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from editqueue.adapters.job_store import statements
from editqueue.adapters.job_store.databases.statement import Template


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One piece of the source replaced by another."""

    module: str
    """Below `editqueue`."""
    old: str
    new: str
    found_by: int
    """The first seed that breaks a promise."""
    missed_by_kill_sweeps: bool = False
    """Tried: test_promise_01, 02 and 24 of the reliability tests pass on SQLite with the defect in the code."""

    @property
    def path(self) -> str:
        return f"src/editqueue/{self.module.replace('.', '/')}.py"


_STATEMENTS: Final = "adapters.job_store.statements"
MUTANTS: Final[Mapping[str, Mutant]] = {
    "the end of a claim does not ask for its token": Mutant(
        module=f"{_STATEMENTS}.ends",
        old='jobs.c.token == given_text("claim_token")',
        new='given_text("claim_token") != ""',
        found_by=51,
    ),
    "a take-over does not look a second time": Mutant(
        module="use_cases.consumer.take_over",
        old="    await ports.pause(COMES_BACK_WITHIN)\n",
        new="",
        found_by=280,
        missed_by_kill_sweeps=True,
    ),
    "a rescue does not ask for the age again": Mutant(
        module=f"{_STATEMENTS}.rescue",
        old="among(jobs.c.id), *_stale()))",
        new='among(jobs.c.id), IN_PROGRESS, given_time("started_before") > 0))',
        found_by=2184,
        missed_by_kill_sweeps=True,
    ),
    "a retry is not counted": Mutant(
        module=f"{_STATEMENTS}.ends",
        old='.values(run_after=given_time("run_after"),',
        new='.values(attempts=jobs.c.attempts - 1, run_after=given_time("run_after"),',
        found_by=5,
    ),
    "a hand-back is counted": Mutant(
        module=f"{_STATEMENTS}.ends",
        old="_back_in_queue().values(attempts=jobs.c.attempts - 1)",
        new="_back_in_queue()",
        found_by=1,
        missed_by_kill_sweeps=True,
    ),
    "one attempt more than allowed": Mutant(
        module="domain.jobs", old="attempts > self.max_retries", new="attempts > self.max_retries + 1", found_by=5
    ),
    "an end is told before it is written": Mutant(
        module="use_cases.consumer.process_job",
        old="    now = ports.clock.now()\n    try:\n        match verdict:",
        new="    now = ports.clock.now()\n    ports.journal.transition("
        "claim.job.moved_to(verdict.status), before=JobStatus.IN_PROGRESS, cause=verdict.cause)\n"
        "    try:\n        match verdict:",
        found_by=1,
    ),
    "an end that was committed is not recognised": Mutant(
        module="adapters.job_store.store.sql_store",
        old="if not await ending and not await self.send(ends.stands(claim, verb)):",
        new="if not await ending:",
        found_by=99,
        missed_by_kill_sweeps=True,
    ),
    "two tries at an end share a token": Mutant(
        module=f"{_STATEMENTS}.ends",
        old="return _prefix(claim, verb) + new_token()",
        new="return _prefix(claim, verb)",
        found_by=18,
        missed_by_kill_sweeps=True,
    ),
    "claims share a token": Mutant(
        module=f"{_STATEMENTS}.claim", old="token or new_token()", new='token or "a token"', found_by=5
    ),
    "a claim that was answered is given back": Mutant(
        module="adapters.job_store.store.d1_store",
        old="        token = new_token()\n",
        new="        token = new_token()\n        self._unsure[token] = now\n",
        found_by=1,
        missed_by_kill_sweeps=True,
    ),
    "a rescued job that gave up tells nobody": Mutant(
        module=f"{_STATEMENTS}.rescue",
        old="statements=(hold_files(job_of), back, release_files, tell, record),",
        new="statements=(hold_files(job_of), back, release_files, record),",
        found_by=21,
    ),
    "an outage costs an attempt": Mutant(
        module="use_cases.consumer.verdict",
        old="return not isinstance(error, (BrokenPicture, NotAPicture, OverLimit))",
        new="return False",
        found_by=11,
        missed_by_kill_sweeps=True,
    ),
    "a locked file can be deleted": Mutant(
        module=f"{_STATEMENTS}.changes",
        old=", other.c.locked.is_(False))",
        new=")",
        found_by=5,
        missed_by_kill_sweeps=True,
    ),
    "the job of a deleted file goes on": Mutant(
        module=f"{_STATEMENTS}.changes",
        old="return _changing(ids, gone, end)",
        new="return _changing(ids, gone)",
        found_by=23,
        missed_by_kill_sweeps=True,
    ),
    "a job is done before its preview is there": Mutant(
        module="use_cases.consumer.edit",
        old='await ports.bucket.write(keys.preview, preview.body, content_type="image/jpeg")',
        new='asyncio.create_task(ports.bucket.write(keys.preview, preview.body, content_type="image/jpeg"))',
        found_by=1,
    ),
    "claim and hand-back are not shielded": Mutant(
        module="use_cases.consumer.process_job",
        old="return await run_to_completion(_attempt(ports, stop, claimed), on_cancel=stop.set)",
        new="return await _attempt(ports, stop, claimed)",
        found_by=320,
        missed_by_kill_sweeps=True,
    ),
    "SIGTERM does not reach the job": Mutant(
        module="use_cases.consumer.process_job",
        old="with stop.ending(timer):\n                is_anothers",
        new="with ExitStack():\n                is_anothers",
        found_by=123,
        missed_by_kill_sweeps=True,
    ),
    "a message is spent before its job is looked for": Mutant(
        module="entrypoints.consumer",
        old="            again = await answer_message(message, self.ports)\n",
        new="            await self.ports.queue.settle(done=[message])\n"
        "            again = await answer_message(message, self.ports)\n",
        found_by=1,
    ),
    "a queue that takes no message back is an error without words": Mutant(
        module="entrypoints.consumer",
        old="        except TimeoutError:\n            self",
        new="        except ZeroDivisionError:\n            self",
        found_by=23,
    ),
    "an expiry goes on for five minutes, whatever the limits are": Mutant(
        module="use_cases.consumer.expire_objects",
        old="> ports.limits.stale_after * PATIENCE:\n",
        new="> timedelta(minutes=5):\n",
        found_by=710,
        missed_by_kill_sweeps=True,
    ),
    "a file is claimed while its objects are removed": Mutant(
        module=f"{_STATEMENTS}.claim",
        old=" AND files.expiring_at IS NULL",
        new="",
        found_by=230,
        missed_by_kill_sweeps=True,
    ),
    "objects of a file that is worked on expire": Mutant(
        module=f"{_STATEMENTS}.expiry",
        old="        files.c.locked.is_(False),\n",
        new="",
        found_by=23,
        missed_by_kill_sweeps=True,
    ),
}


@contextmanager
def applied(mutant: Mutant) -> Generator[None]:
    """The real code with the defect: functions keep their identity and get other code, wherever they were imported."""
    module = importlib.import_module(f"editqueue.{mutant.module}")
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    if source.count(mutant.old) != 1:
        raise LookupError(f"{mutant.path} has {source.count(mutant.old)} times what the mutant replaces:\n{mutant.old}")
    twin = ModuleType(module.__name__)
    exec(compile(source.replace(mutant.old, mutant.new), str(module.__file__), "exec"), vars(twin))
    codes = [(function, function.__code__, other.__code__) for function, other in _functions(module, twin)]
    templates = {name: value for name, value in vars(module).items() if isinstance(value, Template)}
    try:
        for function, _, code in codes:
            function.__code__ = code
        vars(module).update({name: getattr(twin, name) for name in templates})
        _forget_templates()
        yield
    finally:
        for function, code, _ in codes:
            function.__code__ = code
        vars(module).update(templates)
        _forget_templates()


def _functions(module: Any, twin: Any) -> Iterator[tuple[FunctionType, FunctionType]]:
    """Those of a module and its classes, each with its twin."""
    ours: dict[str, Any] = {**module.__dict__}
    for name, found in ours.items():
        other: Any = getattr(twin, name, None)
        if getattr(found, "__module__", None) != module.__name__ and not isinstance(module, type):
            continue
        plain, plain_other = _unwrapped(found), _unwrapped(other)
        if isinstance(plain, FunctionType) and isinstance(plain_other, FunctionType):
            yield plain, plain_other
        elif isinstance(found, type):
            yield from _functions(found, other)


def _unwrapped(found: Any) -> Any:
    return getattr(found, "fget", None) or getattr(found, "func", None) or getattr(found, "__wrapped__", found)


def _forget_templates() -> None:
    """Statements are put together once and kept."""
    for info in pkgutil.iter_modules(statements.__path__):
        for made in vars(importlib.import_module(f"{statements.__name__}.{info.name}")).values():
            if hasattr(made, "cache_clear"):
                made.cache_clear()
