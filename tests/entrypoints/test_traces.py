"""Traces as a collector gets them, of `serve` and `consume` in processes of their own."""

import asyncio
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.installation import OURS, Installation
from devtools.otlp_collector import Collector, Span, otlp_collector
from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from devtools.seeds import seed_files, seed_order, submit
from editqueue.domain.files import File
from editqueue.entrypoints.http.auth import issue_token
from tests.entrypoints.in_process import run_here
from tests.entrypoints.test_cli_serving import running

TRACE_ID, CALLER_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{CALLER_ID}-01"
STAGES = ["wait", "claim edit_jobs", "copy", "preview", "publish", "settle edit_jobs"]


@pytest.fixture(name="collector")
def _collector() -> Generator[Collector]:
    with otlp_collector() as collector:
        yield collector


def traced(tmp_path: Path, url: str, **more: str) -> Installation:
    """Sends its spans at once, to the collector at `url`."""
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50", "JWT_SECRET": "s" * 32}
    return Installation(tmp_path / "data", settings | more)


def log_of(process: subprocess.Popen[str]) -> Sequence[Mapping[str, Any]]:
    """End it as people do; all that it had to say on stderr."""
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return [json.loads(line) for line in errors.splitlines()]


async def uploaded(here: Installation, *names: str, body: bytes) -> Sequence[File]:
    """Files of a new order of anna's whose originals are there."""
    store = await here.open_store()
    order = await seed_order(store)
    files = [file for name in names for file in await seed_files(store, order, 1, name=name)]
    for file in files:
        path = here.bucket / file.object_key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    await store.close()
    return files


async def queued(here: Installation, count: int, *, body: bytes) -> None:
    """Jobs that nobody's request has made."""
    files = await uploaded(here, *["bild.jpg"] * count, body=body)
    store = await here.open_store()
    await submit(store, files)
    await store.close()


def are_there(*names: str) -> Callable[[Sequence[Span]], bool]:
    return lambda spans: {*names} <= {span.name for span in spans}


def test_a_photo_is_one_trace_from_the_callers_request_to_its_preview(tmp_path: Path, collector: Collector) -> None:
    here = traced(tmp_path, collector.url)
    [file] = asyncio.run(uploaded(here, "bild.jpg", body=encoded(scene(1600, 1200))))
    token = issue_token("anna", secret="s" * 32, now=datetime.now(UTC), ttl=timedelta(hours=1))

    with running(here, "serve", "--no-consumer", "--port", "0") as server, running(here, "consume"):
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None
        answer = httpx.post(
            f"{found[0]}/api/orders/{file.order_id}/submit-edits",
            json={"files": [file.id]},
            headers={"Authorization": f"Bearer {token}", "traceparent": TRACEPARENT},
            trust_env=False,
            timeout=PATIENCE,
        )
        assert answer.status_code == 201
        spans = {span.name: span for span in collector.spans(are_there("attempt edit_jobs", *STAGES))}

    assert {span.trace_id for span in spans.values()} == {TRACE_ID}
    request, attempt = spans["POST /api/orders/{id}/submit-edits"], spans["attempt edit_jobs"]
    assert (request.parent_id, request.kind, request.failed) == (CALLER_ID, "server", False)
    assert request.attributes == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/api/orders/{id}/submit-edits",
        "http.response.status_code": 201,
    }
    assert (attempt.parent_id, attempt.links, attempt.kind) == (request.id, [request.id], "consumer")
    [job] = answer.json()["jobs"]
    told = dict(attempt.attributes)
    assert str(told.pop("messaging.client.id"))
    assert told == {
        "messaging.system": "editqueue",
        "messaging.destination.name": "edit_jobs",
        "messaging.operation.name": "attempt",
        "messaging.operation.type": "process",
        "messaging.message.id": job["id"],
        "editqueue.file.id": file.id,
        "editqueue.attempt": 1,
        "editqueue.express": False,
        "editqueue.result": "done",
        "editqueue.copied_bytes": len(encoded(scene(1600, 1200))),
    }
    stages = [spans[name] for name in STAGES]
    assert all(stage.parent_id == attempt.id and not stage.failed for stage in stages)
    assert all(attempt.begin <= stage.begin <= stage.end <= attempt.end for stage in stages)
    assert request.begin <= attempt.begin
    _, claim, copy, preview, publish, settle = stages
    assert claim.end <= copy.begin <= copy.end <= publish.begin <= publish.end <= settle.begin
    assert preview.end <= publish.begin
    assert preview.attributes["editqueue.preview.format"] == "jpeg"
    assert int(preview.attributes["editqueue.preview.bytes"]) > 1000
    assert (claim.kind, claim.attributes["messaging.operation.type"]) == ("client", "receive")
    assert {span.resource["service.name"] for span in spans.values()} == {"editqueue"}
    assert len({span.resource["service.instance.id"] for span in spans.values()}) == 2


def test_a_job_that_no_request_made_has_a_trace_for_each_of_its_attempts(tmp_path: Path, collector: Collector) -> None:
    here = traced(tmp_path, collector.url, OTEL_SERVICE_NAME="night-shift", EDITQUEUE_MAX_RETRIES="0")
    asyncio.run(queued(here, 2, body=b"no picture at all"))

    assert here.run("consume", "--drain").code == 0

    attempts = [span for span in collector.spans() if span.name == "attempt edit_jobs"]
    assert len({span.trace_id for span in attempts}) == 2
    for attempt in attempts:
        assert (attempt.parent_id, attempt.links, attempt.failed) == ("", [], True)
        assert attempt.attributes["error.type"] == "not_a_picture"
        assert attempt.resource["service.name"] == "night-shift"
    failed = [span.name for span in collector.spans() if span.failed]
    assert sorted(failed) == ["attempt edit_jobs"] * 2 + ["preview"] * 2


def test_a_collector_that_refuses_costs_no_job_and_one_line_of_the_log(tmp_path: Path, collector: Collector) -> None:
    collector.status = 500
    here = traced(tmp_path, collector.url)
    asyncio.run(queued(here, 20, body=encoded(scene(64, 48))))

    done = here.run("consume", "--drain")

    assert done.code == 0
    log = [json.loads(line) for line in done.err.splitlines()]
    assert [line["result"] for line in log if line["event"] == "attempt"] == ["done"] * 20
    others = [line for line in log if line["event"] not in {"attempt", "transition"}]
    assert {line["event"] for line in others} == {"traces_not_sent"}
    assert sum(line["spans"] for line in others) >= 1


def test_a_collector_that_does_not_answer_holds_up_neither_a_job_nor_the_end(
    tmp_path: Path, collector: Collector
) -> None:
    collector.silent = True
    here = traced(tmp_path, collector.url, OTEL_BSP_MAX_QUEUE_SIZE="16", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="8")
    asyncio.run(queued(here, 20, body=encoded(scene(64, 48))))

    with running(here, "consume") as consumer:
        assert consumer.stderr is not None
        done = 0
        while done < 20:
            line = json.loads(consumer.stderr.readline())
            done += line["event"] == "attempt" and line["result"] == "done"
        told = time.monotonic()
        log = log_of(consumer)
    assert time.monotonic() - told < 15
    assert {line["event"] for line in log} <= {"traces_not_sent"}


def test_doctor_says_where_traces_go_and_whether_they_arrive(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = traced(tmp_path, collector.url.replace("://", "://anna:secret@")).environment
    settings = {name: value for name, value in given.items() if name.startswith(OURS)}

    def traces(**more: str) -> Any:
        said = run_here(monkeypatch, capsys, "doctor --json", settings | more)
        return next(check for check in json.loads(said.out)["checks"] if check["name"] == "traces")

    assert traces(OTEL_SDK_DISABLED="true")["detail"] == "off"
    assert (traces()["ok"], traces()["detail"]) == (True, f"sent to {collector.url}/v1/traces")
    collector.status = 404
    found = traces()
    assert (found["ok"], "404" in found["detail"], "secret" in str(found)) == (False, True, False)


def test_a_propagator_that_is_not_installed_is_one_line(tmp_path: Path, collector: Collector) -> None:
    ended = traced(tmp_path, collector.url, OTEL_PROPAGATORS="tracecontext,nobodys").run("consume", "--drain")

    assert ended.code != 0
    assert re.fullmatch(r"editqueue: OTEL_\*: .*nobodys.*\n", ended.err)
