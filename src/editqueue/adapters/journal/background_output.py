"""Lines written by a thread, so that nobody waits for a slow disk, or for a pipe that nobody reads."""

import atexit
import os
import select
import threading
import time
from queue import Empty, SimpleQueue

from editqueue.adapters.journal.output import lines_dropped

MOST_LINES = 10_000
MOST_BYTES = 8 * 1024 * 1024
FLUSH_SECONDS = 2.0
"""How long `close` waits for what is not written yet."""
GATHER_SECONDS = 0.005
"""From the first line after a silence until it is written, with those that came meanwhile: waking the thread for each
line costs the other threads more than the line."""
_GAP = b""
"""Stands in the queue where lines did not fit."""


class BackgroundOutput:
    """`Output` on a file descriptor, which must stay open until `close` has returned.

    At most 10,000 lines or 8 MiB wait to be written. What comes then is dropped until all of them are written, and a
    warning in its place says how many there were. A line that the system refuses to write (disk full, reader gone) is
    dropped as well, and told as soon as one can be written again. Each line goes out in one write, so that the lines
    of several processes on one pipe do not mix as long as they are no longer than the system's PIPE_BUF.
    """

    def __init__(self, descriptor: int) -> None:
        self.dropped = 0
        self._line_end = _LineEnd(descriptor)
        self._process = 0
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        # Both may be entered again from a destructor that logs while this very thread is inside of them.
        self._lock = threading.RLock()
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._waiting_lines = self._waiting_bytes = 0
        self._gap = 0
        self._untold = 0

    def write(self, line: str) -> None:
        entry = line.encode(errors="backslashreplace") + b"\n"
        if self._process != os.getpid():  # forked: the thread stayed with the parent, as did what waits for it
            self._begin()
        with self._lock:
            if self._is_working() and not self._gap and self._fits(entry):
                self._waiting_lines += 1
                self._waiting_bytes += len(entry)
                self._queue.put(entry)
                return
            if not self._gap:
                self._queue.put(_GAP)
            self._gap += 1
            self.dropped += 1

    def close(self) -> None:
        """Write what waits, for at most `FLUSH_SECONDS`. Later lines are written as well."""
        atexit.unregister(self.close)
        thread = self._thread
        if thread is None or self._process != os.getpid():
            return
        self._queue.put(None)
        thread.join(FLUSH_SECONDS)

    def _fits(self, entry: bytes) -> bool:
        return self._waiting_lines < MOST_LINES and self._waiting_bytes + len(entry) <= MOST_BYTES

    def _is_working(self) -> bool:
        """Whether the thread is there, if need be a new one. The system may refuse one: too many, or no memory."""
        if self._thread is not None and self._thread.is_alive():
            return True
        thread = threading.Thread(target=self._work, name="log", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            return False
        self._thread = thread
        atexit.register(self.close)
        return True

    def _work(self) -> None:
        while True:
            entry = self._next()
            self._tell_of_what_was_lost(behind_a_gap=entry == _GAP)
            if entry == _GAP:
                continue
            if entry is None:
                if self._is_over():
                    return
                continue
            written = not self._untold and self._line_end.write(entry)
            with self._lock:
                self._waiting_lines -= 1
                self._waiting_bytes -= len(entry)
                if not written:
                    self._untold += 1
                    self.dropped += 1

    def _next(self) -> bytes | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            entry = self._queue.get()
        if entry is not None:
            time.sleep(GATHER_SECONDS)
        return entry

    def _is_over(self) -> bool:
        """Whether no line came behind the last `close`. If one did, another `close` is needed."""
        with self._lock:
            if self._queue.empty():
                self._thread = None
                return True
        atexit.register(self.close)
        return False

    def _tell_of_what_was_lost(self, *, behind_a_gap: bool) -> None:
        if behind_a_gap:
            with self._lock:
                self._untold, self._gap = self._untold + self._gap, 0
        if self._untold and self._line_end.write(lines_dropped(self._untold).encode() + b"\n"):
            self._untold = 0


class _LineEnd:
    """The end of a file, pipe or terminal, where the next line goes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_torn = False
        """Whether only part of the last line was written, so that the next needs a new line to begin on."""

    def write(self, entry: bytes) -> bool:
        """Wait until all of `entry` is written; False if the system refuses it."""
        text = b"\n" + entry if self._is_torn else entry
        done = 0
        try:
            while done < len(text):
                done += self._write_some(text[done:])
        except (OSError, MemoryError):
            return False
        finally:
            if done:
                self._is_torn = not text[:done].endswith(b"\n")
        return True

    def _write_some(self, text: bytes) -> int:
        try:
            return os.write(self._descriptor, text)
        except BlockingIOError:  # somebody made the pipe non-blocking, for all who share it
            writable = select.poll()
            writable.register(self._descriptor, select.POLLOUT)
            writable.poll()
            return 0
