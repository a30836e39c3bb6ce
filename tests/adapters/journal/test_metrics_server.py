"""A port that no client can take away, and whose clients leave nothing on stderr."""

import contextlib
import socket
import struct
import threading
import time
import urllib.request
from collections.abc import Generator

import pytest

from devtools.installation import free_port
from devtools.patience import PATIENCE
from editqueue.adapters.journal import metrics_server
from editqueue.adapters.journal.metrics import Metrics


@pytest.fixture(name="port")
def _port() -> Generator[int]:
    port = free_port()
    close = Metrics().serve(port)
    yield port
    close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def is_hung_up_on(client: socket.socket) -> bool:
    """Waits for it."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def metrics_of(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        return answer.read()


def answering() -> int:
    """Connections that have a thread; other threads of this process may end meanwhile."""
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def wait_until_answering(count: int) -> None:
    ends = time.monotonic() + PATIENCE
    while answering() != count:
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_more_connections_than_a_few_are_closed_at_once(port: int) -> None:
    before = answering()
    with contextlib.ExitStack() as idle:
        for _ in range(metrics_server.MOST_CONNECTIONS):
            idle.enter_context(connected(port))
        with connected(port) as one_more:
            assert is_hung_up_on(one_more)
        assert answering() == before + metrics_server.MOST_CONNECTIONS

    wait_until_answering(before)
    assert b"editqueue_active_jobs" in metrics_of(port)


def test_a_client_that_says_a_little_again_and_again_is_hung_up_on_too(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server, "LONGEST_SECONDS", 0.2)
    before = answering()

    with connected(port) as drip:
        drip.settimeout(0.05)
        ends = time.monotonic() + PATIENCE
        hung_up = False
        while not hung_up:
            assert time.monotonic() < ends
            with contextlib.suppress(TimeoutError):
                try:
                    drip.sendall(b"X")
                    hung_up = drip.recv(1) == b""
                except (BrokenPipeError, ConnectionResetError):
                    hung_up = True

    wait_until_answering(before)


def test_a_client_that_says_nothing_is_hung_up_on(
    port: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics_server._Handler, "timeout", 0.1)  # pyright: ignore[reportPrivateUsage]  # a setting of the standard library's, read at each connection
    before = answering()

    with connected(port) as idle:
        assert is_hung_up_on(idle)

    wait_until_answering(before)
    assert capfd.readouterr().err == ""


def test_a_client_that_resets_its_connection_leaves_no_word(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    before = answering()
    with connected(port) as client:
        client.sendall(b"GET /metrics")
        wait_until_answering(before + 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a close is then a reset

    wait_until_answering(before)
    assert capfd.readouterr().err == ""
