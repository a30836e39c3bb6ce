"""A handful of the files of `make fuzz`, by the same code; and the campaign itself would notice what it looks for."""

from pathlib import Path
from random import Random

import pytest

from devtools.pictures.samples import encoded, scene
from editqueue.domain.jobs import JobStatus
from tests.fuzz.campaign import Shot, outcome_of, run_campaign
from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import make_seeds

FILES = 60
JPEG = encoded(scene(64, 48))
SHOT = Shot(number=1, kind="jpeg", body=b"hostile")


async def test_hostile_files_neither_crash_nor_stop_the_consumer_and_leave_no_false_preview(tmp_path: Path) -> None:
    findings = await run_campaign(tmp_path, make_seeds(), count=FILES, seed=7)

    assert findings.defects == []
    assert findings.files == sum(findings.totals().values()) == FILES
    assert findings.totals().keys() >= {"preview", "broken_picture"}, "too tame, or too wild"


def test_the_same_number_makes_the_same_file() -> None:
    seeds = {"a": JPEG, "b": b"other" * 100}

    assert mutate(seeds, Random("1/5")) == mutate(seeds, Random("1/5"))
    assert len({mutate(seeds, Random(f"1/{number}")) for number in range(50)}) > 40


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (JobStatus.FAILED, JPEG, "a preview although it failed"),
        (JobStatus.FAILED, None, "broken_picture"),
        (JobStatus.DONE, None, "done without a preview"),
        (JobStatus.DONE, JPEG, "preview"),
        (JobStatus.DONE, b"hostile", "placeholder"),
        (JobStatus.DONE, b"rubbish", "a preview that cannot be read"),
        (JobStatus.DONE, encoded(scene(2000, 10)), "a preview that is not as promised"),
        (JobStatus.IN_PROGRESS, None, "left in_progress"),
    ],
)
def test_a_false_outcome_would_be_found(tmp_path: Path, status: JobStatus, body: bytes | None, outcome: str) -> None:
    preview = tmp_path / "preview.jpg"
    if body is not None:
        preview.write_bytes(body)

    assert outcome_of(preview, SHOT, status, "broken_picture: torn") == outcome
