"""`serve`, `consume` and `demo` as long-lived processes: what they answer, and how they end."""

import asyncio
import json
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.installation import Installation, free_port
from devtools.patience import PATIENCE
from devtools.pictures.samples import decoded, encoded, scene
from devtools.seeds import seed_files, seed_order, submit


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


@pytest.fixture(name="photos")
def _photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(encoded(scene(1600, 1200)))
    return folder


@contextmanager
def running(here: Installation, *words: str) -> Generator[subprocess.Popen[str]]:
    """The process; killed if the test does not end it."""
    with here.start(*words) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def serving(here: Installation, *words: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The server, and where it is."""
    with running(here, "serve", "--port", "0", *words) as server:
        yield server, url_in(server)


def url_in(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found is not None
    return found[0]


def failed_job_in(process: subprocess.Popen[str]) -> str:
    """The first job that the log says has failed."""
    assert process.stderr is not None
    for line in process.stderr:
        told = json.loads(line)
        if (told["event"], told.get("after")) == ("transition", "failed"):
            return told["job_id"]
    raise AssertionError("the log ended without a failed job")


def rest_of(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """End it as people do; what it still had to say on stderr."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    return errors


def queue_a_job_without_an_original(here: Installation) -> str:
    async def queue() -> str:
        store = await here.open_store()
        [job_id] = await submit(store, await seed_files(store, await seed_order(store), 1), now=datetime.now(UTC))
        await store.close()
        return job_id

    return asyncio.run(queue())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_works_on_jobs_until_it_is_told_to_end(here: Installation, number: signal.Signals) -> None:
    job_id = queue_a_job_without_an_original(here)

    with serving(here) as (server, url):
        assert failed_job_in(server) == job_id
        assert httpx.get(f"{url}/healthz", trust_env=False).json() == {"status": "ok"}
        rest_of(server, number)


def test_serve_without_a_consumer_leaves_the_jobs_alone(here: Installation) -> None:
    queue_a_job_without_an_original(here)

    with serving(here, "--no-consumer") as (server, url):
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        assert rest_of(server, signal.SIGTERM) == ""

    assert here.run("status", "--json").json()["jobs"]["queued"] == 1


def test_consume_works_on_jobs_until_it_is_told_to_end(here: Installation) -> None:
    job_id = queue_a_job_without_an_original(here)

    with running(here, "consume") as consumer:
        assert failed_job_in(consumer) == job_id
        rest_of(consumer, signal.SIGTERM)


def test_the_token_and_the_order_of_the_command_line_are_good_for_the_api(here: Installation) -> None:
    order_id = here.run("order", "create", "--user-id", "anna").json()["order_id"]
    with serving(here) as (server, url):
        token = here.run("token", "--user-id", "anna").out.strip()
        assert server.stdout is not None
        assert server.stdout.readline() == f"Review page: {url}/orders/ORDER_ID/review#token=TOKEN\n"
        asked = f"{url}/api/orders/{order_id}/status"
        answer = httpx.get(asked, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        assert (answer.status_code, answer.json()["total"]) == (200, 0)
        assert httpx.get(asked, trust_env=False).status_code == 401


def test_serve_has_no_metrics_among_its_routes_but_on_their_own_port(tmp_path: Path) -> None:
    port = free_port()
    here = Installation(tmp_path / "data", {"EDITQUEUE_METRICS_PORT": str(port)})

    with serving(here) as (server, url):
        assert httpx.get(f"{url}/metrics", trust_env=False).status_code == 404
        told = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        assert "# TYPE editqueue_active_jobs gauge" in told
        rest_of(server, signal.SIGTERM)


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["consume", "--drain"]])
def test_a_taken_metrics_port_is_named(tmp_path: Path, words: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        here = Installation(tmp_path / "data", {"EDITQUEUE_METRICS_PORT": str(port)})
        assert f"EDITQUEUE_METRICS_PORT={port}" in here.run(*words).complaint()


def test_a_host_that_is_not_ours_is_named(here: Installation) -> None:
    assert "--host" in here.run("serve", "--host", "no.such.host.invalid").complaint()


def test_demo_serves_its_previews_until_it_is_told_to_end(here: Installation, photos: Path) -> None:
    with running(here, "demo", str(photos), "--port", "0") as demo:
        assert demo.stdout is not None
        said = list(iter(demo.stdout.readline, "Serving until Ctrl-C.\n"))
        [link] = re.findall(r"http\S+signature=\w+", "".join(said))
        preview = httpx.get(link, trust_env=False)
        assert (preview.status_code, preview.headers["content-type"]) == (200, "image/jpeg")
        assert decoded(preview.content).size == (1280, 960)
        assert [one["status"] for one in files_behind(review_link_in(said))] == ["done"]
        rest_of(demo, signal.SIGINT)


@contextmanager
def served_with_few_files(here: Installation, *, most: int) -> Generator[tuple[subprocess.Popen[str], str]]:
    """`serve` in a process that may have `most` files open, and where it is."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({most // 2}, {most}))"
    run = f"{limit}; from editqueue.entrypoints.cli import main; main()"
    words = [sys.executable, "-c", run, "serve", "--port", "0"]
    with subprocess.Popen(
        words, env=here.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            yield server, url_in(server)
        finally:
            server.kill()


def test_a_crowd_of_silent_clients_keeps_nobody_from_an_answer_and_no_job_from_its_end(here: Installation) -> None:
    with served_with_few_files(here, most=256) as (server, url), ExitStack() as crowd:
        token = here.run("token", "--user-id", "anna").out.strip()
        assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (256, 256)
        where = httpx.URL(url)
        for _ in range(400):
            crowd.enter_context(socket.create_connection((where.host, where.port or 0), timeout=PATIENCE))

        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{url}/healthz", trust_env=False, timeout=PATIENCE).json() == {"status": "ok"}
        assert (
            httpx.get(f"{url}/api/notifications", headers=headers, trust_env=False, timeout=PATIENCE).status_code == 200
        )
        job_id = queue_a_job_without_an_original(here)
        assert failed_job_in(server) == job_id
        assert len(rest_of(server, signal.SIGTERM)) < 5000


def test_who_still_waits_when_serve_ends_is_told_so_and_nothing_is_said_on_stderr(here: Installation) -> None:
    with serving(here, "--no-consumer") as (server, url):
        token = here.run("token", "--user-id", "anna").out.strip()
        where = httpx.URL(url)
        with socket.create_connection((where.host, where.port or 0), timeout=PATIENCE) as client:
            client.sendall(
                b"POST /api/files/bulk-mark HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
                + f"Authorization: Bearer {token}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert client.recv(1024).startswith(b"HTTP/1.1 100 ")  # the application waits for the body now
            server.terminate()
            answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        _, errors = server.communicate(timeout=PATIENCE)

    assert answer.startswith("HTTP/1.1 503 ")
    for part in ("application/problem+json", '"shutting_down"', "retry-after: 5", "connection: close"):
        assert part in answer.lower()
    assert (server.returncode, errors) == (0, "")


def review_link_in(said: list[str]) -> str:
    """The link that the demo ends with."""
    assert said[-2] == "Review page, signed in for a day:\n"
    return said[-1].strip()


def files_behind(link: str) -> list[dict[str, Any]]:
    """What the page of `link` can list: it is there, and the token after the # opens its order."""
    found = re.fullmatch(r"(http://[^/]+)/orders/([^/]+)/review#token=(\S+)", link)
    assert found is not None
    url, order_id, token = found.groups()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        assert "<!doctype html>" in client.get(link.partition("#")[0]).text
        files: list[dict[str, Any]] = client.get(f"/api/orders/{order_id}/files").json()["files"]
        return files


def test_demo_draws_its_own_photos_leaves_some_for_the_review_page_and_runs_again(
    here: Installation, photos: Path
) -> None:
    with running(here, "demo", "--port", "0") as demo:
        assert demo.stdout is not None
        said = list(iter(demo.stdout.readline, "Serving until Ctrl-C.\n"))
        assert any(one.startswith("12 more photos are uploaded and wait for you") for one in said)
        files = files_behind(review_link_in(said))
        assert [(one["status"], one["marked"]) for one in files] == [("done", True)] * 6 + [("uploaded", False)] * 12
        assert all(one["room_type"] for one in files)
        rest_of(demo, signal.SIGTERM)
    assert_edited(here, count=6)

    ended = here.run("demo", str(photos), "--exit", "--port", "0")
    assert ended.code == 0, ended.err
    assert_edited(here, count=7)


def assert_edited(here: Installation, *, count: int) -> None:
    copies = list(here.bucket.glob("user/*/orders/*/processed/*"))
    previews = list(here.bucket.glob("user/*/orders/*/preview/*.jpg"))
    assert len(copies) == len(previews) == count
    assert all(copy.read_bytes() == (copy.parent.parent / "raw" / copy.name).read_bytes() for copy in copies)
    assert {max(decoded(one.read_bytes()).size) for one in previews} == {1280}
