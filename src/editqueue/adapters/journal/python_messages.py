"""What Python and its libraries have to say, as lines of the journal instead of plain text on stderr."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from editqueue.adapters.journal.json_lines import JsonLines
from editqueue.adapters.journal.rendering import shown_value

EVERY: Final = 10.0
"""Seconds in which a message is not repeated."""


def take_over_messages(journal: JsonLines) -> None:
    """From now until this process ends: Python's logging from warning on, its warnings, and the errors that nobody
    caught, of the program itself, of threads and of destructors."""

    def uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        journal.log("critical", logger="python", message=f"uncaught {kind.__name__}", error=error)

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            name = args.thread.name if args.thread else "unknown"
            message = f"uncaught {args.exc_type.__name__} in thread {name}"
            journal.log("error", logger="threading", message=message, error=args.exc_value)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        message = f"{args.err_msg or 'Exception ignored in'} {shown_value(args.object)}"
        journal.log("error", logger="python", message=message, error=args.exc_value)

    logging.basicConfig(handlers=[_ToJournal(journal)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
    sys.unraisablehook = unraisable


class _ToJournal(logging.Handler):
    """The same message from the same place is written once in EVERY seconds: without a free descriptor, asyncio says so
    of every single connection that it cannot accept."""

    def __init__(self, journal: JsonLines, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._journal = journal
        self._now = now
        self._written: dict[tuple[str, int, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        now, message = self._now(), (record.name, record.levelno, shown_value(record.msg))
        if now - self._written.get(message, -EVERY) < EVERY:
            return
        self._written = {said: at for said, at in self._written.items() if now - at < EVERY} | {message: now}
        error = record.exc_info[1] if record.exc_info else None
        self._journal.log(_level_of(record), logger=record.name, message=_message_of(record), error=error)


def _level_of(record: logging.LogRecord) -> str:
    """Libraries may have levels of their own between Python's."""
    known = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    reached = [level for level in known if level <= record.levelno]
    return logging.getLevelName(max(reached, default=logging.DEBUG)).lower()


def _message_of(record: logging.LogRecord) -> str:
    """Without its arguments if they do not fit."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  # neither a wrong format nor an odd argument must fail who logs
        return shown_value(record.msg)
