"""Lines written at once by who has something to say: for streams in memory, and where no thread can be."""

from typing import TextIO

from editqueue.adapters.journal.output import lines_dropped


class DirectOutput:
    """`Output` on a stream. On None, Python's word for a stderr that was closed from the start, it drops everything."""

    def __init__(self, stream: TextIO | None) -> None:
        self.dropped = 0
        self._stream = stream
        self._untold = 0

    def write(self, line: str) -> None:
        if self._untold and self._written(lines_dropped(self._untold)):
            self._untold = 0
        if self._untold or not self._written(line):
            self._untold += 1
            self.dropped += 1

    def close(self) -> None:
        """Nothing ever waits."""

    def _written(self, line: str) -> bool:
        if self._stream is None:
            return False
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except Exception:  # noqa: BLE001  # whatever the stream does, who writes a log line must not suffer for it
            return False
        return True
