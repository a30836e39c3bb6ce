"""Rounds of hostile files through `editqueue consume`: put into the bucket, submitted, worked off, inspected."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from devtools.installation import Installation
from devtools.pictures.samples import decoded
from devtools.seeds import seed_files, seed_order, submit
from editqueue.domain.files import File
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.domain.keys import ObjectKeys
from editqueue.domain.preview_spec import LONG_EDGE
from tests.fuzz.mutations import mutate

ROUND = 250
SLOWEST = 45.0
"""Seconds that an attempt may take: the limit of 30, and a busy machine."""
KNOWN = {"broken_picture", "not_a_picture", "over_limit", "image_worker_died"}
"""Errors a hostile file may end in. A worker that died took nobody along; more than that is a defect."""
SETTINGS = {"EDITQUEUE_CONCURRENCY": "2", "EDITQUEUE_MAX_RETRIES": "0"}


@dataclass(kw_only=True)
class Findings:
    files: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """By kind of seed: `preview`, `placeholder`, or the code of the error."""
    slowest: float = 0
    slowest_kind: str = ""
    defects: list[str] = field(default_factory=list[str])
    seconds: float = 0

    def count(self, kind: str, outcome: str) -> None:
        self.outcomes.setdefault(kind, Counter())[outcome] += 1

    def totals(self) -> Counter[str]:
        return sum(self.outcomes.values(), Counter[str]())

    def report(self) -> str:
        lines = [f"{'kind':<18}" + "outcomes"]
        lines += [f"{kind:<18}{_said(self.outcomes[kind])}" for kind in sorted(self.outcomes)]
        lines.append(f"{'all':<18}{_said(self.totals())}")
        lines.append(f"{self.files} files in {self.seconds:.0f} s; slowest {self.slowest:.1f} s ({self.slowest_kind})")
        lines += [f"DEFECT  {defect}" for defect in self.defects]
        return "\n".join([*lines, f"{len(self.defects)} defects"])


def _said(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {counts[name]}" for name in sorted(counts))


@dataclass(frozen=True, kw_only=True)
class Shot:
    number: int
    """With the campaign's seed, it says how to make the file again."""
    kind: str
    body: bytes


def shots(seeds: Mapping[str, bytes], *, seed: int, start: int, count: int) -> list[Shot]:
    made: list[Shot] = []
    for number in range(start, start + count):
        kind, body = mutate(seeds, Random(f"{seed}/{number}"))  # mutations, not secrets
        made.append(Shot(number=number, kind=kind, body=body))
    return made


async def run_campaign(
    folder: Path,
    seeds: Mapping[str, bytes],
    *,
    count: int,
    seed: int = 1,
    told: Callable[[Findings], None] = lambda _: None,
) -> Findings:
    """`count` files in rounds; a crash, a hang or a wrong object becomes a defect in the findings."""
    findings, started = Findings(), time.monotonic()
    here = Installation(folder, SETTINGS)
    for start in range(0, count, ROUND):
        await _round(here, shots(seeds, seed=seed, start=start, count=min(ROUND, count - start)), findings)
        findings.seconds = time.monotonic() - started
        told(findings)
    return findings


async def _round(here: Installation, batch: Sequence[Shot], findings: Findings) -> None:
    store = await here.open_store()
    try:
        files = await seed_files(store, await seed_order(store), len(batch))
        for shot, file in zip(batch, files, strict=True):
            _write(here.bucket / file.object_key, shot.body)
        job_ids = await submit(store, files)
        log = _consume(here, findings)
        for shot, file, job_id in zip(batch, files, job_ids, strict=True):
            job = await store.job(job_id)
            assert job is not None
            _inspect(here, shot, file, job, log.get(job_id, {}), findings)
        _clear(here, files)
    finally:
        await store.close()


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _consume(here: Installation, findings: Findings) -> Mapping[str, Mapping[str, Any]]:
    """Work everything off; what the log says of each job's attempt."""
    with here.start("consume", "--drain") as consumer:
        _, err = consumer.communicate(timeout=ROUND * SLOWEST)
    if consumer.returncode != 0:
        findings.defects.append(f"the consumer ended with {consumer.returncode}: {err[-500:]}")
    lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    return {line["job_id"]: line for line in lines if line.get("event") == "attempt"}


def _inspect(
    here: Installation, shot: Shot, file: File, job: EditJob, line: Mapping[str, Any], findings: Findings
) -> None:
    findings.files += 1
    seconds = float(line.get("duration", 0))
    if seconds > findings.slowest:
        findings.slowest, findings.slowest_kind = seconds, f"{shot.kind} {shot.number}"
    outcome = outcome_of(here.bucket / ObjectKeys.from_raw(file.object_key).preview, shot, job.status, job.error)
    findings.count(shot.kind, outcome)
    if outcome not in KNOWN | {"preview", "placeholder"}:
        findings.defects.append(f"{shot.kind} {shot.number}: {outcome}: {job.error}")
    if seconds > SLOWEST:
        findings.defects.append(f"{shot.kind} {shot.number}: took {seconds:.0f} s")


def outcome_of(preview: Path, shot: Shot, status: JobStatus, error: str | None) -> str:
    if status is JobStatus.FAILED:
        return "a preview although it failed" if preview.exists() else (error or "").partition(":")[0]
    if status is not JobStatus.DONE:
        return f"left {status}"
    if not preview.exists():
        return "done without a preview"
    body = preview.read_bytes()
    return "placeholder" if body == shot.body else _judged(body)


def _judged(body: bytes) -> str:
    try:
        picture = decoded(body)
    except (OSError, SyntaxError, ValueError):
        return "a preview that cannot be read"
    sound = picture.format == "JPEG" and picture.mode == "RGB" and max(picture.size) <= LONG_EDGE
    return "preview" if sound and not picture.getexif() else "a preview that is not as promised"


def _clear(here: Installation, files: Sequence[File]) -> None:
    """Make room; ten thousand originals need not lie about."""
    for file in files:
        keys = ObjectKeys.from_raw(file.object_key)
        for key in (keys.raw, keys.processed, keys.preview):
            (here.bucket / key).unlink(missing_ok=True)


def tell(findings: Findings) -> None:
    sys.stderr.write(f"{findings.files} files, {findings.seconds:.0f} s, {len(findings.defects)} defects\n")
