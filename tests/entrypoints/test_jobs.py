"""`editqueue jobs`: what is said of jobs, and of one that is put back."""

import asyncio
import re
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest

from devtools.installation import Ended, Installation
from devtools.seeds import LATER, NOON, URL, claim, seed_files, seed_order, submit
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import EditJob
from tests.entrypoints.in_process import run_here

NEW_JOBS = "they stay failed, and their files have new jobs"


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


@pytest.fixture(name="failed")
def _failed(here: Installation) -> EditJob:
    """The only job there is."""
    [job] = asyncio.run(_fail(here, 1))
    return job


async def _fail(here: Installation, count: int) -> Sequence[EditJob]:
    store = await here.open_store()
    await submit(store, await seed_files(store, await seed_order(store), count))
    claims = [await claim(store, LATER) for _ in range(count)]
    for taken in claims:
        await store.fail(taken, error="broken: no end", message="{name}", file_status=FileStatus.FAILED, now=NOON)
    await store.close()
    return [taken.job for taken in claims]


async def _put_back(here: Installation, failed: Sequence[EditJob]) -> None:
    store = await here.open_store()
    await store.retry_jobs(failed, now=LATER)
    await store.close()


class Jobs:
    def __init__(self, here: Installation, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self._here, self._patch, self._output = here, patch, output

    def __call__(self, words: str) -> Ended:
        return run_here(self._patch, self._output, f"jobs {words}", {"EDITQUEUE_DATA_DIR": str(self._here.folder)})


@pytest.fixture(name="jobs")
def _jobs(here: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Jobs:
    return Jobs(here, monkeypatch, capsys)


def test_a_list_names_file_order_and_error(jobs: Jobs, failed: EditJob) -> None:
    facts = f"{failed.id}  failed       attempts 1  file {failed.file_id}  order {failed.order_id}  broken: no end"

    assert jobs("list").out == f"{facts}\n"


def test_a_job_that_is_put_back_stays_and_the_new_one_is_shown(jobs: Jobs, failed: EditJob) -> None:
    first, _, rest = jobs(f"retry {failed.id}").out.partition("\n")
    facts = dict(re.findall(r"^(\w+) +(\S+)$", rest, flags=re.MULTILINE))

    assert first == f"job {failed.id} stays failed, as the record of what happened; its file has a new job:"
    assert (facts["status"], facts["file_id"], facts["order_id"]) == ("queued", failed.file_id, failed.order_id)
    assert facts["id"] != failed.id
    assert jobs(f"show {failed.id} --json").json()["status"] == "failed"
    refused = jobs(f"retry {failed.id}").complaint()
    assert "its file was deleted, or has a job again; `editqueue jobs list --order-id" in refused


def test_a_script_is_told_of_which_job_the_new_one_is_a_retry(jobs: Jobs, failed: EditJob) -> None:
    again = jobs(f"retry {failed.id} --json").json()

    assert (again["status"], again["retry_of"]) == ("queued", failed.id)
    assert again["id"] != failed.id


@pytest.mark.parametrize("verb", ["show", "retry", "cancel"])
def test_an_unknown_job_is_named(jobs: Jobs, failed: EditJob, verb: str) -> None:
    assert "'nope'" in jobs(f"{verb} nope").complaint()


def test_the_whole_story_of_a_job_is_shown(jobs: Jobs, here: Installation) -> None:
    async def make() -> str:
        store = await here.open_store()
        await submit(store, await seed_files(store, await seed_order(store), 1))
        await store.release(await claim(store), reason="ground_lost: bucket: full", now=NOON + timedelta(seconds=1))
        taken = await store.claim_next(now=NOON, holder="web-1:7:abc")
        assert taken is not None
        again = NOON + timedelta(seconds=15)
        await store.retry_later(taken, error="storage_unavailable: busy", run_after=again, now=NOON)
        taken = await store.claim_next(now=again, holder="web-2:7:abc")
        assert taken is not None
        await store.finish(taken, preview_url=URL, bytes_copied=7, now=again + timedelta(seconds=2))
        await store.close()
        return taken.job.id

    job_id = asyncio.run(make())

    told = [line for line in jobs(f"show {job_id}").out.splitlines() if line.startswith("attempt ")]
    history = jobs(f"show {job_id} --json").json()["history"]

    handed_back = "after 1.0 s: hand_back, not counted, tried again from 2026-11-24T12:00:01+00:00"
    noon, later = "2026-11-24T12:00:00+00:00", "2026-11-24T12:00:15+00:00"
    assert told == [
        f"attempt 1  {noon}  on a consumer that held no lock  {handed_back}  ground_lost: bucket: full",
        f"attempt 1  {noon}  on web-1:7:abc  after 0.0 s: retry, tried again from {later}  storage_unavailable: busy",
        f"attempt 2  {later}  on web-2:7:abc  after 2.0 s: done",
    ]
    assert [(one["number"], one["ended_by"], one["error_code"]) for one in history] == [
        (1, "hand_back", "ground_lost"),
        (1, "retry", "storage_unavailable"),
        (2, "finish", None),
    ]


def test_a_story_says_when_it_is_not_whole(jobs: Jobs, failed: EditJob, here: Installation) -> None:
    assert "not kept" not in jobs(f"show {failed.id}").out

    async def forget() -> None:
        store = await here.open_store()
        await store.begin_expiry(finished_before=LATER, abandoned_before=NOON, limit=1, now=LATER)
        await store.close()

    asyncio.run(forget())

    assert "not kept" in jobs(f"show {failed.id}").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--status queued", "no jobs that are queued"),
        ("--user bert --code e", "no jobs with error e of customer bert"),
        ("--status failed --since 2h", "no jobs that are failed in the last 2 h"),
    ],
)
def test_a_list_without_jobs_says_so(jobs: Jobs, failed: EditJob, words: str, said: str) -> None:
    told = jobs(f"list {words}")

    assert (told.code, told.out, told.err) == (0, f"{said}\n", "")
    assert jobs(f"list {words} --json").json() == []


def test_a_list_is_of_what_is_asked_for(jobs: Jobs, failed: EditJob) -> None:
    asked = "list --json --user anna --code broken --older-than 1s"

    assert [job["id"] for job in jobs(asked).json()] == [failed.id]
    assert "a job that is done has no error" in jobs("list --status done --code broken").complaint()
    for odd in ("2x", "0s"):
        assert f"{odd!r} is no duration; give 90s" in jobs(f"list --since {odd}").complaint()


def test_many_are_put_back_at_once_without_being_asked_by_a_script(jobs: Jobs, failed: EditJob) -> None:
    refused = jobs("retry --failed --code broken").complaint()
    assert "1 failed job would be put back; say --yes" in refused

    done = jobs("retry --failed --code broken --yes --json").json()
    assert (done["found"], done["put_back"], done["jobs"][0]["file_id"]) == (1, 1, failed.file_id)
    assert jobs("retry --failed --yes").out == "no failed jobs that can be put back\n"


@pytest.mark.parametrize("answer", ["y\n", "n\n", ""])
def test_a_person_is_asked_first(jobs: Jobs, failed: EditJob, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)

    told = jobs("retry --failed")

    assert told.err.startswith("1 failed job of 1 customer: broken 1\nPut back? [y/N] ")
    if answer == "y\n":
        assert told.out == "put back 1 of 1 failed job; they stay failed, and their files have new jobs\n"
    else:
        assert (told.code, told.err.endswith("editqueue: nothing was put back\n")) == (1, True)


def test_ctrl_c_is_an_answer(jobs: Jobs, failed: EditJob, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()

    def interrupted() -> str:
        signal.raise_signal(signal.SIGINT)
        return "y\n"

    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(terminal, "readline", interrupted)
    monkeypatch.setattr(sys, "stdin", terminal)

    assert jobs("retry --failed").err.endswith("editqueue: nothing was put back\n")
    assert jobs("list --status queued").out == "no jobs that are queued\n"


@pytest.mark.parametrize(
    ("found", "faster", "said"),
    [
        (1, 1, "put back 0 of 1 failed job; the other was put back, deleted or edited meanwhile\n"),
        (3, 3, "put back 0 of 3 failed jobs; the others were put back, deleted or edited meanwhile\n"),
        (3, 2, f"put back 1 of 3 failed jobs; {NEW_JOBS}; the others were put back, deleted or edited meanwhile\n"),
    ],
)
def test_where_somebody_else_was_faster_it_says_so(
    jobs: Jobs, here: Installation, found: int, faster: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.run(_fail(here, found))
    terminal = StringIO("y\n")

    def put_back_first() -> str:
        with ThreadPoolExecutor(1) as somebody:
            somebody.submit(asyncio.run, _put_back(here, failed[:faster])).result()
        return "y\n"

    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(terminal, "readline", put_back_first)
    monkeypatch.setattr(sys, "stdin", terminal)

    assert jobs("retry --failed").out == said


@pytest.mark.parametrize("words", ["retry", "retry x --failed", "retry x --code broken"])
def test_one_or_many_are_put_back_not_both(jobs: Jobs, words: str) -> None:
    assert "--failed" in jobs(words).complaint()


def test_a_queued_job_is_cancelled_and_a_failed_one_is_not(jobs: Jobs, failed: EditJob) -> None:
    queued = jobs(f"retry {failed.id} --json").json()["id"]

    assert jobs(f"cancel {queued}").out.startswith(f"job {queued} is cancelled; its file is failed, ")
    assert jobs(f"cancel {queued}").out == f"job {queued} was cancelled before; nothing changed\n"
    assert jobs(f"cancel {queued} --json").json()["error"] == "cancelled: by hand"
    assert "is failed; only a queued one" in jobs(f"cancel {failed.id}").complaint()
