"""Promise 1: a consumer killed at any step leaves nothing that its successor does not put right."""

import asyncio
import random
import signal
from collections.abc import Sequence
from itertools import count

import pytest

from devtools.pictures.samples import encoded, scene
from editqueue.domain.files import File
from tests.reliability.audit import audit, audit_books, audit_log
from tests.reliability.fates import FATES
from tests.reliability.plan import Plan
from tests.reliability.processes import Ended, Processes
from tests.reliability.report import Tally
from tests.reliability.site import Opened, Site
from tests.reliability.size import sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(120, 1800))]
TURN, STALE = 7200.0, 2400.0
"""Seconds from one try to the next, and to the successor: a consumer that waited for retries died 20 minutes later."""
JOBS = {"": sized(1, 3), "no tool": 1, "broken": sized(1, 2), "missing": 1, "away": 1}
EVERY = {"": sized(3, 1), "no tool": sized(7, 1), "broken": sized(5, 1), "missing": sized(7, 1), "away": sized(17, 1)}
"""Small, not every step of every kind of failure is one to die at."""
ROUNDS, AT_ONCE = sized(4, 100), 3
"""Of the random schedule: rounds, and consumers that work side by side in each."""


class Sweep:
    """Kill a consumer at one step after the other, let another clear up, and look."""

    def __init__(
        self, here: Opened, forks: Processes, tally: Tally, *, real_images: bool = False, successor_after: float = STALE
    ) -> None:
        self.here = here
        self._forks = forks
        self._tally = tally
        self._real_images = real_images
        self._successor_after = successor_after
        self.log = ""
        self._numbers = count()

    async def try_step(
        self, step: int, trouble: str, jobs: int, *, body: bytes | None = None
    ) -> tuple[bool, list[str]]:
        """Whether there was such a step, and what was wrong after the kill."""
        moment = next(self._numbers) * TURN
        files = await self._submit(jobs, trouble, moment, body)
        first = await self._consume(moment, trouble, kill_at=step)
        second = await self._consume(moment + self._successor_after, trouble)
        self.log += second.err
        found = await audit(self.here, files, FATES[trouble]) + audit_log(first.err + second.err)
        killed = first.code == -signal.SIGKILL
        self._tally.kills += killed
        self._tally.jobs += jobs
        return killed, [f"step {step} ({trouble or 'done'}): {one}" for one in found + _ended_well(first, second)]

    async def _submit(self, jobs: int, trouble: str, moment: float, body: bytes | None) -> list[File]:
        files = await self.here.submitted(jobs, after=moment, body=body)
        if not FATES[trouble].original:
            await self.here.bucket.delete([one.object_key for one in files])
        return files

    async def _consume(self, moment: float, trouble: str, *, kill_at: int = 0) -> Ended:
        return await self._forks.run(
            Plan(
                task="consume",
                environment=self.here.site.environment(),
                moment=moment,
                trouble=trouble,
                kill_at=kill_at,
                real_images=self._real_images,
            )
        )


def _ended_well(*ended: Ended) -> list[str]:
    return [f"ended with {one.code}: {one.err}" for one in ended if one.code not in {0, -signal.SIGKILL}]


@pytest.mark.parametrize("trouble", [*FATES])
async def test_the_next_consumer_puts_everything_right(
    site: Site, forks: Processes, tally: Tally, trouble: str
) -> None:
    violations: list[str] = []
    async with site.open() as here:
        sweep = Sweep(here, forks, tally)
        for step in count(1, EVERY[trouble]):
            killed, found = await sweep.try_step(step, trouble, JOBS[trouble])
            violations += found
            if not killed:
                break
        violations += await audit_books(here)

    assert violations == []
    assert tally.kills >= sized(1, 15)


async def test_so_it_does_with_real_pictures_in_real_image_workers(site: Site, forks: Processes, tally: Tally) -> None:
    photo = encoded(scene(1600, 1200))
    violations: list[str] = []
    async with site.open() as here:
        sweep = Sweep(here, forks, tally, real_images=True)
        for step in count(sized(12, 1), sized(13, 2)):
            killed, found = await sweep.try_step(step, "", 1, body=photo)
            violations += found
            if not killed:
                break

    assert violations == []
    assert tally.kills >= sized(1, 15)


@pytest.mark.parametrize("seed", range(sized(1, 2)))
async def test_killed_at_random_again_and_again_no_job_is_lost(
    site: Site, forks: Processes, tally: Tally, seed: int
) -> None:
    print(f"seed {seed}")  # pytest shows it with a failure
    chance = random.Random(seed)
    async with site.open() as here:
        files: list[File] = []
        log, moment = "", 0.0
        for _ in range(ROUNDS):
            files += await here.submitted(2 * AT_ONCE, after=moment)
            plans = [_at_random(chance, site, moment) for _ in range(AT_ONCE)]
            ended = await _all(forks, plans, tally)
            log += "".join(one.err for one in ended)
            moment += STALE
        while await here.store.has_work():
            last = await _all(forks, [Plan(task="consume", environment=site.environment(), moment=moment)], tally)
            log, moment = log + last[0].err, moment + STALE
        tally.jobs += len(files)
        violations = await audit(here, files, FATES[""], killed_often=True)
        violations += await audit_books(here) + audit_log(log)

    assert violations == []
    assert tally.kills >= ROUNDS * AT_ONCE // 3


def _at_random(chance: random.Random, site: Site, moment: float) -> Plan:
    """Dies at a step, or at a moment that no step marks: in the middle of a commit, of a write, of an import."""
    inside = chance.random() < 0.7
    return Plan(
        task="consume",
        environment=site.environment(),
        moment=moment,
        leaps=False,
        kill_at=chance.randint(1, 60) if inside else 0,
        kill_after=0 if inside else chance.uniform(0.01, 0.3),
    )


async def _all(forks: Processes, plans: Sequence[Plan], tally: Tally) -> list[Ended]:
    ended = [*await asyncio.gather(*(forks.run(one) for one in plans))]
    assert _ended_well(*ended) == []
    tally.kills += sum(one.code == -signal.SIGKILL for one in ended)
    return ended
