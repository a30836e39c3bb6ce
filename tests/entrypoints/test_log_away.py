"""`serve` and `consume` whose log or stdout is full, closed, or read by nobody: the work goes on."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from devtools.installation import Installation, command, free_port
from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from devtools.seeds import seed_files, seed_order, submit
from editqueue.domain.files import File
from editqueue.entrypoints.http.auth import issue_token

SECRET = "s" * 32
MANY = 100
"""Jobs whose log lines are twice what a pipe holds."""


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data", {"JWT_SECRET": SECRET, "EDITQUEUE_METRICS_PORT": str(free_port())})


@contextmanager
def nowhere(how: str) -> Generator[IO[bytes]]:
    """What a process may be given to write to: a full disk, or a pipe whose reader has gone."""
    if how == "a full disk":
        with Path("/dev/full").open("wb") as full:
            yield full
        return
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as dead:  # noqa: PTH123  # a descriptor has no path
        yield dead


@contextmanager
def running(
    here: Installation, *words: str, stdout: int | IO[bytes] = subprocess.DEVNULL, stderr: int | IO[bytes]
) -> Generator[subprocess.Popen[str]]:
    with here.start(*words, stdout=stdout, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def serving(
    here: Installation, *words: str, stdout: int | IO[bytes] = subprocess.DEVNULL, stderr: int | IO[bytes]
) -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The server, and a client of Anna's that waits until it listens."""
    port = free_port()
    token = issue_token("anna", secret=SECRET, now=datetime.now(UTC), ttl=timedelta(hours=1))
    with (
        running(here, "serve", "--port", str(port), *words, stdout=stdout, stderr=stderr) as server,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE,
            transport=httpx.HTTPTransport(retries=6),
        ) as client,
    ):
        assert client.get("/healthz").json() == {"status": "ok"}
        yield server, client


def seeded(here: Installation, count: int, *, size: int = 7, submitted: bool = False) -> Sequence[File]:
    """Files of an order of Anna's; their originals are not there yet."""

    async def seed() -> Sequence[File]:
        store = await here.open_store()
        files = await seed_files(store, await seed_order(store), count, size=size)
        if submitted:
            await submit(store, files, now=datetime.now(UTC))
        await store.close()
        return files

    return asyncio.run(seed())


def submit_all(client: httpx.Client, files: Sequence[File]) -> None:
    url = f"/api/orders/{files[0].order_id}/submit-edits"
    answer = client.post(url, json={"files": [file.id for file in files]})
    assert answer.status_code == 201, answer.text


def wait_for(met: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < ends
        time.sleep(0.05)


def metrics_of(here: Installation) -> str:
    return httpx.get(f"http://127.0.0.1:{here.environment['EDITQUEUE_METRICS_PORT']}/metrics", trust_env=False).text


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("how", ["a full disk", "a reader that has gone"])
def test_jobs_are_taken_and_done_although_no_log_line_can_be_written(here: Installation, how: str) -> None:
    photo = encoded(scene(1600, 1200))
    files = seeded(here, 1, size=len(photo))

    with nowhere(how) as log, serving(here, stderr=log) as (server, client):
        raw = here.bucket / files[0].object_key
        raw.parent.mkdir(parents=True)
        raw.write_bytes(photo)
        submit_all(client, files)
        wait_for(lambda: 'editqueue_jobs_total{cause="finish",status="done"} 1.0' in metrics_of(here))
        wait_for(lambda: "editqueue_log_lines_dropped_total 4.0" in metrics_of(here))
        end(server)


def test_consume_works_on_without_its_log(here: Installation) -> None:
    seeded(here, 1, submitted=True)

    with nowhere("a full disk") as log, running(here, "consume", "--drain", stderr=log) as consumer:
        assert consumer.wait(timeout=PATIENCE) == 0

    assert here.run("status", "--json").json()["jobs"]["queued"] == 0


def test_a_log_that_nobody_reads_holds_up_neither_requests_nor_the_end(here: Installation) -> None:
    files = seeded(here, MANY)

    with serving(here, stderr=subprocess.PIPE) as (server, client):
        submit_all(client, files)
        wait_for(lambda: f'editqueue_jobs_total{{cause="fail",status="failed"}} {MANY}.0' in metrics_of(here))
        assert client.get("/healthz").status_code == 200
        end(server)
        assert server.stderr is not None
        *lines, _torn = server.stderr.read().split("\n")
    assert {json.loads(line)["event"] for line in lines} <= {"transition", "error", "attempt"}
    assert sum(map(len, lines)) > 32_000


def test_serve_serves_although_it_cannot_print_where_and_says_what_libraries_say_in_json(here: Installation) -> None:
    with nowhere("a full disk") as output, serving(here, stdout=output, stderr=subprocess.PIPE) as (server, client):
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as caller:
            caller.sendall(b"this is no HTTP\r\n\r\n")
            assert caller.recv(100).startswith(b"HTTP/1.1 400")
        end(server)
        assert server.stderr is not None
        [line] = [json.loads(line) for line in server.stderr]

    expected: dict[str, Any] = {"event": "log", "level": "warning", "logger": "uvicorn.error"}
    assert line.items() >= expected.items()
    assert line["message"] == "Invalid HTTP request received."


def test_serve_serves_without_stdout_and_stderr(here: Installation) -> None:
    port = free_port()
    shell = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command(["serve", "--port", str(port)])]
    with subprocess.Popen(shell, env=here.environment) as server:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=6), timeout=PATIENCE) as client:
                assert client.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=PATIENCE) == 0
        finally:
            server.kill()
