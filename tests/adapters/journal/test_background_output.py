"""Lines on a real pipe: in order, whole, and counted when they are lost."""

import fcntl
import json
import multiprocessing
import os
import select
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from editqueue.adapters.journal import background_output
from editqueue.adapters.journal.background_output import BackgroundOutput

HELD = 65_536
"""Bytes that a pipe of Linux holds for a reader that does not read."""


@dataclass(frozen=True)
class Pipe:
    reader: int
    writer: int

    def read_until(self, end: str) -> Sequence[str]:
        """All lines up to the one that is `end`."""
        text = b""
        while not text.endswith(f"{end}\n".encode()):
            piece = os.read(self.reader, HELD)
            assert piece
            text += piece
        return text.decode().splitlines()

    def set_non_blocking(self) -> None:
        os.set_blocking(self.writer, False)


@pytest.fixture(name="pipe")
def _pipe() -> Generator[Pipe]:
    reader, writer = os.pipe()
    yield Pipe(reader, writer)
    os.close(writer)
    os.close(reader)


def told(line: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(line)
    return {name: facts[name] for name in ("event", "level", "count")}


def gap_of(count: int) -> dict[str, Any]:
    return {"event": "log_lines_dropped", "level": "warning", "count": count}


@pytest.mark.parametrize("blocking", [True, False])
def test_lines_come_out_in_order_and_close_waits_for_them(pipe: Pipe, blocking: bool) -> None:
    if not blocking:
        pipe.set_non_blocking()
    output = BackgroundOutput(pipe.writer)
    lines = [f"{number} {'x' * 1000}" for number in range(200)]
    reading = threading.Thread(target=lambda: found.extend(pipe.read_until("end")))
    found: list[str] = []
    reading.start()

    for line in [*lines, "end"]:
        output.write(line)
    output.close()
    reading.join()

    assert found == [*lines, "end"]
    assert output.dropped == 0


def test_what_does_not_fit_is_dropped_and_told_in_its_place(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_output, "MOST_LINES", 100)
    output = BackgroundOutput(pipe.writer)
    lines = [f"{number:03d} {'x' * 996}" for number in range(300)]

    for line in lines:
        output.write(line)
    dropped = output.dropped
    assert 300 - 100 - HELD // 1000 <= dropped <= 200
    first = os.read(pipe.reader, HELD).decode()
    while (left := first.count("\n")) < 300 - dropped + 1:
        first += os.read(pipe.reader, HELD).decode()
    output.write("after")

    assert pipe.read_until("after") == ["after"]
    output.close()
    *written, gap = first.splitlines()
    assert left == 300 - dropped + 1
    assert written == lines[: 300 - dropped]
    assert told(gap) == gap_of(dropped)
    assert output.dropped == dropped


def test_bytes_are_bounded_too(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_output, "MOST_BYTES", 100)
    output = BackgroundOutput(pipe.writer)

    output.write("x" * 200)
    [gap] = [os.read(pipe.reader, HELD).decode()]
    output.write("fits")

    assert told(gap) == gap_of(1)
    assert pipe.read_until("fits") == ["fits"]
    output.close()


def test_a_full_disk_is_told_of_once_there_is_room(tmp_path: Path) -> None:
    target = os.open("/dev/full", os.O_WRONLY)
    output = BackgroundOutput(target)
    for number in range(3):
        output.write(f"lost {number}")
    output.close()
    assert output.dropped == 3

    log = tmp_path / "log"
    with log.open("wb") as room:
        os.dup2(room.fileno(), target)
    output.write("found")
    output.close()
    os.close(target)

    gap, line = log.read_text().splitlines()
    assert told(gap) == gap_of(3)
    assert line == "found"


def test_a_line_begins_anew_behind_one_that_was_torn(pipe: Pipe) -> None:
    """A pipe with room for one page takes the first 4,096 bytes of a longer line; then its reader goes."""
    fcntl.fcntl(pipe.writer, fcntl.F_SETPIPE_SZ, 4096)
    reader, writer = os.pipe()
    target = os.dup(pipe.writer)
    gone = os.dup(writer)
    os.close(writer)
    os.close(reader)
    os.set_blocking(pipe.writer, False)
    output = BackgroundOutput(target)
    swapped = threading.Event()

    def swap_when_full() -> None:
        while os.read(pipe.reader, 1) == b"":
            pass
        os.dup2(gone, target)
        os.read(pipe.reader, 4096)
        swapped.set()

    swapping = threading.Thread(target=swap_when_full)
    swapping.start()
    output.write("x" * 10_000)
    assert swapped.wait(10)
    swapping.join()
    os.close(gone)
    output.close()
    assert output.dropped == 1

    os.dup2(pipe.writer, target)
    output.write("next")
    blank, gap, line = pipe.read_until("next")
    output.close()
    os.close(target)

    assert (blank, told(gap), line) == ("", gap_of(1), "next")


def test_without_a_thread_lines_are_dropped_and_told_once_there_is_one(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    output = BackgroundOutput(pipe.writer)
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        output.write("lost")
        output.write("lost")
        output.close()

    output.write("brings a thread")
    gap = os.read(pipe.reader, HELD).decode()
    output.write("written")

    assert output.dropped == 3
    assert told(gap) == gap_of(3)
    assert pipe.read_until("written") == ["written"]
    output.close()


def test_a_forked_child_writes_with_a_thread_of_its_own(pipe: Pipe) -> None:
    output = BackgroundOutput(pipe.writer)
    output.write("parent")
    assert pipe.read_until("parent") == ["parent"]

    def in_child() -> None:
        output.write("child")
        output.close()

    child = multiprocessing.get_context("fork").Process(target=in_child)
    child.start()
    assert pipe.read_until("child") == ["child"]
    child.join()
    output.write("parent again")

    assert pipe.read_until("parent again") == ["parent again"]
    output.close()


def test_close_waits_two_seconds_at_most_and_ends_the_thread(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_output, "FLUSH_SECONDS", 0.01)
    before = threading.active_count()
    output = BackgroundOutput(pipe.writer)
    for _ in range(200):
        output.write("x" * 1000)

    output.close()

    assert threading.active_count() == before + 1
    os.set_blocking(pipe.reader, False)
    while threading.active_count() > before:
        try:
            os.read(pipe.reader, HELD)
        except BlockingIOError:
            continue


def test_what_is_said_after_the_end_is_written_as_well(pipe: Pipe) -> None:
    output = BackgroundOutput(pipe.writer)
    output.close()
    output.write("one")
    output.close()
    output.write("two")
    output.close()

    assert pipe.read_until("two") == ["one", "two"]


def test_what_is_said_after_an_end_that_took_too_long_is_written_too(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_output, "FLUSH_SECONDS", 0.01)
    output = BackgroundOutput(pipe.writer)
    for _ in range(200):
        output.write("x" * 1000)
    output.close()

    output.write("later")

    found = b""
    while not found.endswith(b"later\n"):
        assert select.select([pipe.reader], [], [], 5)[0], "no line comes any more"
        found += os.read(pipe.reader, HELD)
    output.close()
    assert output.dropped == 0
