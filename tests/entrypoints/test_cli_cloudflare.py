"""editqueue as a process, its queue at Cloudflare: what a wrong setting says, and a job from API to done."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from devtools.cloudflare_queue.server import QueueProcess, cloudflare_queue_process
from devtools.installation import Installation
from devtools.patience import PATIENCE
from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from editqueue.domain.files import FileStatus


@pytest.fixture(scope="module")
def queue() -> Generator[QueueProcess]:
    with cloudflare_queue_process(max_retries=10) as running:
        yield running


def at(folder: Path, queue: QueueProcess, **changed: str) -> Installation:
    return Installation(folder / "data", {**queue.environment, **changed})


def test_a_wrong_token_stops_the_start(tmp_path: Path, queue: QueueProcess) -> None:
    complaint = at(tmp_path, queue, CLOUDFLARE_API_TOKEN="wrong").run("consume", "--drain").complaint()

    assert "CLOUDFLARE_API_TOKEN is refused" in complaint
    assert "Queues: Edit" in complaint


def test_a_queue_of_another_account_stops_the_start(tmp_path: Path, queue: QueueProcess) -> None:
    complaint = at(tmp_path, queue, CLOUDFLARE_QUEUE_ID="f" * 32).run("serve", "--port", "0").complaint()

    assert f"CLOUDFLARE_QUEUE_ID={'f' * 32} is no queue of account" in complaint


def test_a_queue_out_of_reach_does_not(tmp_path: Path, queue: QueueProcess) -> None:
    ended = at(tmp_path, queue, CLOUDFLARE_BASE_URL="http://127.0.0.1:1").run("consume", "--drain")

    assert ended.code == 0
    assert "queue_not_confirmed" in ended.err


def test_the_sweep_works_whatever_the_queue_says(tmp_path: Path, queue: QueueProcess) -> None:
    here = at(tmp_path, queue, CLOUDFLARE_API_TOKEN="revoked")
    here.run("order", "create", "--user-id", "anna").json()

    assert here.run("sweep").code == 0


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("CLOUDFLARE_API_TOKEN", "wrong", "Queues: Edit"),
        ("CLOUDFLARE_QUEUE_ID", "f" * 32, "wrangler queues list"),
        ("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1", "CLOUDFLARE_BASE_URL"),
    ],
)
def test_doctor_names_it_with_a_remedy(tmp_path: Path, queue: QueueProcess, name: str, value: str, remedy: str) -> None:
    ended = at(tmp_path, queue, **{name: value}).run("doctor")

    assert ended.code == 1
    lines = ended.out.splitlines()
    [line] = [number for number, text in enumerate(lines) if text.startswith("BROKEN  queue: ")]
    assert remedy in lines[line + 1]


def test_an_order_goes_all_the_way(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (60, 40), "teal").save(photos / "bild.jpg")

    with cloudflare_queue_process() as queue:
        ended = at(tmp_path, queue).run("demo", str(photos), "--exit", "--port", "0")
        books = books_of(queue)

    assert ended.code == 0, ended.err
    assert books["sent"] == 1
    assert (books["backlog"], books["dead_letters"], books["delivered"]) == (0, 0, books["sent"])


async def test_a_job_that_is_put_back_by_hand_wakes_a_consumer(tmp_path: Path) -> None:
    with cloudflare_queue_process() as queue:
        here = at(tmp_path, queue)
        store = await here.open_store()
        [job_id] = await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)
        await store.fail(taken, error="broken", message="{name}", file_status=FileStatus.FAILED, now=NOON)
        await store.close()

        ended = here.run("jobs", "retry", job_id)
        books = books_of(queue)

    assert ended.code == 0, ended.err
    assert books["sent"] == 1


def test_sigterm_gives_back_what_an_idle_consumer_holds(tmp_path: Path) -> None:
    with cloudflare_queue_process() as queue:
        process = at(tmp_path, queue).start("consume")
        try:
            assert process.stderr is not None
            _wait_for_pull(queue)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        books = books_of(queue)

    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert books["leased"] == 0


def books_of(queue: QueueProcess) -> dict[str, int]:
    found: dict[str, int] = httpx.get(queue.books_url).json()
    return found


def _wait_for_pull(queue: QueueProcess) -> None:
    while books_of(queue)["pulls"] == 0:
        os.sched_yield()
