"""What Python and its libraries say becomes lines of JSON."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Generator
from typing import Any

import pytest

from editqueue.adapters.journal import python_messages
from editqueue.adapters.journal.direct_output import DirectOutput
from editqueue.adapters.journal.json_lines import JsonLines
from editqueue.adapters.journal.python_messages import take_over_messages


@pytest.fixture(name="lines")
def _lines(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[], list[dict[str, Any]]]]:
    """The lines so far, in a Python that is given back as it was."""
    root, stream = logging.getLogger(), io.StringIO()
    for owner, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, hook, getattr(owner, hook))
    level = root.level
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        take_over_messages(JsonLines(DirectOutput(stream)))
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
        logging.captureWarnings(capture=False)
    root.level = level
    for handler in [handler for handler in root.handlers if type(handler).__module__ == python_messages.__name__]:
        root.removeHandler(handler)


def test_a_log_message_is_a_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("some.library").warning("took %d s\nand more", 3)

    [line] = lines()
    line.pop("timestamp")
    message = "took 3 s\nand more"
    assert line == {"event": "log", "level": "warning", "logger": "some.library", "message": message}


def test_levels_are_pythons_and_what_is_below_a_warning_stays_unsaid(lines: Callable[[], list[dict[str, Any]]]) -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, 35, logging.ERROR, logging.CRITICAL):
        logging.getLogger("some.library").log(level, "said")

    assert [line["level"] for line in lines()] == ["warning", "warning", "error", "critical"]


def test_a_flood_of_one_message_is_one_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    for connection in range(1000):
        logging.getLogger("asyncio").error("out of descriptors: %d", connection)
    logging.getLogger("asyncio").error("something else")

    assert [line["message"] for line in lines()] == ["out of descriptors: 0", "something else"]


def test_an_error_comes_with_its_traceback(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("some.library").error("failed", exc_info=ValueError("bad"))

    [line] = lines()
    assert line["level"] == "error"
    assert line["traceback"].rstrip().endswith("ValueError: bad")


def test_a_message_with_the_wrong_arguments_is_still_said(lines: Callable[[], list[dict[str, Any]]]) -> None:
    ours, *_pytests = logging.getLogger().handlers
    ours.handle(logging.makeLogRecord({"levelno": logging.ERROR, "msg": "%d files", "args": ("many",)}))

    [line] = lines()
    assert line["message"] == "%d files"


def test_warnings_are_lines(lines: Callable[[], list[dict[str, Any]]]) -> None:
    warnings.warn("soon gone", FutureWarning, stacklevel=1)

    [line] = lines()
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "FutureWarning: soon gone" in line["message"]


def test_an_error_that_ends_a_thread_is_a_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail, name="helper")
    thread.start()
    thread.join()

    [line] = lines()
    assert (line["logger"], line["message"]) == ("threading", "uncaught ValueError in thread helper")
    assert "in a thread" in line["traceback"]


def test_an_error_in_a_destructor_is_a_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    class Dying:
        def __del__(self) -> None:
            raise ValueError("last words")

    Dying()

    [line] = lines()
    assert "__del__" in line["message"]
    assert "last words" in line["traceback"]


def test_an_error_that_ends_the_program_is_a_line(lines: Callable[[], list[dict[str, Any]]]) -> None:
    error = GeneratorExit("nobody caught this")
    sys.excepthook(type(error), error, None)

    [line] = lines()
    assert (line["level"], line["message"]) == ("critical", "uncaught GeneratorExit")
    assert "nobody caught this" in line["traceback"]
