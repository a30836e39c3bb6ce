"""Look for violations of the promises in what a run has left behind."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from io import BytesIO

from PIL import Image

from devtools.seeds import NOON
from devtools.world import keys_of, original
from editqueue.domain.files import File, Notification
from editqueue.domain.jobs import LEGAL_TRANSITIONS, EditJob, JobStatus
from editqueue.ports.job_store import JobQuery
from tests.reliability.fates import Fate, preview_for
from tests.reliability.site import Opened

MOST_ATTEMPTS = 4
EVERYTHING = 100_000


async def audit(here: Opened, files: Sequence[File], fate: Fate, *, killed_often: bool = False) -> list[str]:
    """Everything about `files` and their jobs that is not as `fate` wants it.

    With `killed_often`, a job may also have used up its attempts by crashes.
    """
    look = await _Look.at(here, files, fate, killed_often=killed_often)
    found = [line for file in files for line in await look.violations(file)]
    return found + await look.strays()


class _Look:
    def __init__(self, here: Opened, fate: Fate, *, killed_often: bool) -> None:
        self._here = here
        self._fate = fate
        self._killed_often = killed_often
        self._jobs: dict[str, list[EditJob]] = {}
        self._notes: dict[str, list[Notification]] = {}
        self._files: dict[str, File] = {}
        self._keys: set[str] = set()
        self._expected: set[str] = set()

    @classmethod
    async def at(cls, here: Opened, files: Sequence[File], fate: Fate, *, killed_often: bool) -> "_Look":
        look = cls(here, fate, killed_often=killed_often)
        for order_id in {one.order_id for one in files}:
            for job in await here.store.jobs(JobQuery(order_id=order_id, limit=EVERYTHING)):
                look._jobs.setdefault(job.file_id, []).append(job)
        for note in await here.store.notifications(here.site.user_id, limit=EVERYTHING, before_id=None):
            look._notes.setdefault(note.file_id, []).append(note)
        look._files = {one.id: one for one in await here.store.files([one.id for one in files])}
        look._keys = {key for key in await here.keys() if any(f"/{one.order_id}/" in key for one in files)}
        return look

    async def violations(self, file: File) -> list[str]:
        jobs = self._jobs.get(file.id, [])
        if len(jobs) != 1:
            return [f"file {file.id} has {len(jobs)} jobs"]
        [job] = jobs
        gave_up = self._killed_often and job.status == "failed" and job.attempts == MOST_ATTEMPTS
        found = [*self._of_rows(file, job, gave_up=gave_up)]
        return found + [line async for line in self._of_objects(file, gave_up=gave_up)]

    def _of_rows(self, file: File, job: EditJob, *, gave_up: bool) -> Iterable[str]:
        after, fate = self._files[file.id], self._fate
        if not gave_up and (job.status, after.status) != (fate.job, fate.file):
            yield f"job {job.id} is {job.status} and its file {after.status}, not {fate.job} and {fate.file}"
        if job.attempts > MOST_ATTEMPTS:
            yield f"job {job.id} was tried {job.attempts} times"
        if job.attempts < (1 if gave_up else fate.attempts):
            yield f"job {job.id} was tried only {job.attempts} times"
        if after.locked:
            yield f"file {file.id} is still locked"
        note = "revision_required" if gave_up else fate.note
        if [(one.job_id, one.type) for one in self._notes.get(file.id, [])] != [(job.id, note)]:
            yield f"job {job.id} has the notifications {[one.type for one in self._notes.get(file.id, [])]}"
        if (after.preview_url is not None) != (after.status == "done"):
            yield f"file {file.id} is {after.status} with preview {after.preview_url}"

    async def _of_objects(self, file: File, *, gave_up: bool) -> AsyncIterator[str]:
        keys, done = keys_of(file), self._fate.job == "done" and not gave_up
        if self._fate.original:
            self._expected.add(keys.raw)
        if gave_up or self._fate.original:
            self._expected.add(keys.processed)
        if gave_up or done:
            self._expected.add(keys.preview)
        if not done:
            return
        for key in (keys.processed, keys.preview):
            if key not in self._keys:
                yield f"{key} is not there"
            elif not await self._is_right(key, file):
                yield f"{key} is not what it should be"

    async def _is_right(self, key: str, file: File) -> bool:
        body, raw = await self._here.bucket.read(key), await self._here.bucket.read(keys_of(file).raw)
        if key == keys_of(file).processed or self._fate.preview == "copy":
            return body == raw
        if raw != original(file):  # a real picture, and a real preview of it
            with Image.open(BytesIO(body)) as picture:
                return picture.format == "JPEG" and max(picture.size) == min(1280, _long_edge(raw))
        return body == preview_for(raw).body

    async def strays(self) -> list[str]:
        """Objects of these orders that nobody has asked for."""
        return [f"{key} is left over" for key in sorted(self._keys - self._expected)]


def _long_edge(body: bytes) -> int:
    with Image.open(BytesIO(body)) as picture:
        return max(picture.size)


async def audit_books(here: Opened) -> list[str]:
    """Counts that are not the rows, locks without a job, jobs that nobody would ever take up."""
    queue_stats = await here.store.queue_stats(now=NOON)
    jobs = await here.store.jobs(JobQuery(limit=EVERYTHING))
    counted = Counter(one.status.value for one in jobs)
    found = [f"{name}: {n} counted, {counted[name]} rows" for name, n in queue_stats.jobs.items() if counted[name] != n]
    files = Counter(
        one.status.value
        for one in await here.store.known_objects(after_key="", limit=EVERYTHING)
        if one.deleted_at is None
    )
    found += [
        f"files {name}: {n} counted, {files[name]} rows" for name, n in queue_stats.files.items() if files[name] != n
    ]
    found += [f"{queue_stats.stale_locks} locks without a job"] if queue_stats.stale_locks else []
    return found + ([] if not await here.store.has_work() else ["jobs are left"])


def audit_log(text: str) -> list[str]:
    """Lines that are no JSON, transitions that are not legal or were told twice."""
    told = Counter[tuple[object, ...]]()
    found: list[str] = []
    for line in text.splitlines():
        # Python's own words on what the image workers of a killed consumer left behind; from 3.13 on in two lines
        if "resource_tracker" in line or line.strip() == "warnings.warn(":
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            found.append(f"no JSON in the log: {line}")
            continue
        if entry["event"] == "transition":
            told[entry["job_id"], entry["after"], entry["cause"], entry["attempts"]] += 1
            if (JobStatus(entry["before"]), JobStatus(entry["after"])) not in LEGAL_TRANSITIONS:
                found.append(f"an illegal transition: {line}")
    return found + [f"told {n} times: {what}" for what, n in told.items() if n > 1]
