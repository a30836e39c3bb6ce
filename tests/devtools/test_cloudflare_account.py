"""The stand-in of Cloudflare's API is as strict as the published schema, and stricter with what it does not know."""

import gc
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from devtools.cloudflare_account.d1 import in_memory
from devtools.cloudflare_account.multipart import form_parts
from devtools.cloudflare_account.server import ACCOUNT_ID, TOKEN, Account, cloudflare_account

BODIES: list[tuple[str, str, Any, str]] = [
    ("POST", "/queues", {"queue_name": "jobs", "color": "red"}, "body.color is not in the schema"),
    ("POST", "/queues", {}, "body.queue_name is missing"),
    ("POST", "/queues", [], "body is [], and an object is wanted"),
    ("POST", "/d1/database", {"name": 7}, "body.name is 7, and str is wanted"),
    ("POST", "/d1/database", {"name": "a", "jurisdiction": "mars"}, "body.jurisdiction is 'mars', and one of"),
    ("POST", "/d1/database/x/query", {"sql": "SELECT ?", "params": [1]}, "body.params[0] is 1, and str is wanted"),
    ("PUT", "/r2/buckets/x/cors", {"rules": [{"allowed": {"origins": []}}]}, "body.rules[0].allowed.methods is"),
    ("PUT", "/r2/buckets/x/cors", {"rules": [{}]}, "body.rules[0].allowed is missing"),
    ("POST", "/queues/x/consumers", {"type": "worker"}, "body.script_name is missing"),
    ("PUT", "/workers/scripts/x/schedules", [{"cron": True}], "body[0].cron is True, and str is wanted"),
]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with cloudflare_account() as account:
        yield account


def send(account: Account, method: str, path: str, body: object = None, token: str = TOKEN) -> httpx.Response:
    url = f"{account.base_url}/accounts/{ACCOUNT_ID}{path}"
    return httpx.request(method, url, json=body, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize(("method", "path", "body", "fault"), BODIES)
def test_a_body_that_the_published_schema_does_not_allow_is_rejected_and_noted(
    account: Account, method: str, path: str, body: Any, fault: str
) -> None:
    account.rejected.clear()

    answer = send(account, method, path, body)

    assert answer.status_code == 400
    assert fault in answer.json()["errors"][0]["message"]
    assert fault in account.rejected[0]
    assert account.changes == []


def test_a_call_that_is_not_known_is_refused_and_noted(account: Account) -> None:
    answer = send(account, "GET", "/workers/nothing")

    assert answer.status_code == 404
    assert account.unknown == [f"GET /client/v4/accounts/{ACCOUNT_ID}/workers/nothing"]


def test_who_has_no_token_or_no_right_is_refused(account: Account) -> None:
    assert send(account, "GET", "/queues", token="wrong").status_code == 401
    account.rights -= {"Queues"}
    assert send(account, "GET", "/queues").status_code == 403
    account.rights |= {"Queues"}
    assert send(account, "GET", "/queues").status_code == 200


def test_a_batch_of_d1_is_done_as_a_whole_or_not_at_all(account: Account) -> None:
    made = send(account, "POST", "/d1/database", {"name": "batches"}).json()["result"]
    query = f"/d1/database/{made['uuid']}/query"
    send(
        account, "POST", query, {"sql": "CREATE TABLE t (n INTEGER); -- a comment; and more\nCREATE TABLE u (n TEXT);"}
    )

    failed = send(account, "POST", query, {"batch": [{"sql": "INSERT INTO t VALUES (1)"}, {"sql": "nonsense"}]})

    assert failed.json()["errors"][0]["code"] == 7500
    assert send(account, "POST", query, {"sql": "SELECT * FROM t"}).json()["result"][0]["results"] == []


def test_the_parts_of_an_upload_are_told_apart() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n'
        b'--b\r\nContent-Disposition: form-data; name="x"; filename="a/x.py"\r\nContent-Type: text/x-python\r\n\r\n'
        b"\r\nmain()\r\n\r\n--b--\r\n"
    )

    assert form_parts(body, boundary="b") == {"metadata": b"{}", "a/x.py": b"\r\nmain()\r\n"}


def test_a_request_before_the_server_runs_waits_and_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    may_run, run = threading.Event(), uvicorn.Server.run

    def late(server: uvicorn.Server, sockets: Any = None) -> None:
        may_run.wait(30)
        run(server, sockets)

    monkeypatch.setattr(uvicorn.Server, "run", late)
    with cloudflare_account() as account:
        threading.Timer(0.05, may_run.set).start()

        assert httpx.get(f"{account.base_url}/accounts").status_code == 401


def test_a_database_in_memory_is_closed_with_whoever_had_it(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    execute = in_memory()
    assert execute([("SELECT 1 AS one", ())]) == [[{"one": 1}]]

    del execute
    gc.collect()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
