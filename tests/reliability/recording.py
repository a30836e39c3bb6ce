"""What a process and its children did to files and answered, in the order of its ends, as tracing.py records it."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from tests.reliability.power_cut import Change

_TRACER = Path(__file__).with_name("tracing.py")
_LINE = re.compile(r"(\d+) +(.*)")
_STARTED = re.compile(r"(.*?) *<unfinished \.\.\.>$")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)(?:<((?:\\x[0-9a-f]{2})*)>)?")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_OPENED = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?")
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>")
_OfFile = Literal["write", "truncate", "sync begins", "sync ends"]
_Named = Literal["mkdir", "rename", "link", "unlink"]
_NAMED: Mapping[str, _Named] = {
    "mkdir": "mkdir", "mkdirat": "mkdir", "rename": "rename", "renameat": "rename", "renameat2": "rename",
    "link": "link", "linkat": "link", "unlink": "unlink", "unlinkat": "unlink", "rmdir": "unlink",
}  # fmt: skip
_NO_FILE = PurePosixPath("/dev/null")


def recorded(words: Sequence[str], record: Path) -> list[str]:
    """The command line under which `words` is recorded."""
    return [sys.executable, str(_TRACER), str(record), *words]


def changes_in(record: Path, *, below: PurePosixPath) -> Iterator[Change]:
    """What was done below a folder, and every HTTP answer."""
    return _Reader(below).read(record)


@dataclass
class _Reader:
    below: PurePosixPath
    started: dict[str, str] = field(default_factory=dict[str, str])
    """Calls that have not ended, by thread."""
    positions: dict[int, int] = field(default_factory=dict[int, int])
    """In the files below, by descriptor; one process writes them."""

    def read(self, record: Path) -> Iterator[Change]:
        with record.open(encoding="ascii") as lines:
            for line in lines:
                found = _LINE.match(line)
                assert found is not None, line[:200]
                yield from self._line(found[1], found[2])

    def _line(self, thread: str, text: str) -> Iterator[Change]:
        if begun := _STARTED.match(text):
            self.started[thread] = begun[1]
            yield from self._begun(begun[1])
            return
        if resumed := _RESUMED.match(text):
            text = self.started.pop(thread) + resumed[1]
        else:
            yield from self._begun(text)
        if (ended := _CALL.match(text)) and int(ended[3]) >= 0:
            yield from self._ended(ended[1], ended[2], int(ended[3]), ended[4])

    def _begun(self, text: str) -> Iterator[Change]:
        """An answer is given when its sending begins; a sync covers what was written when it began."""
        call, _, rest = text.partition("(")
        if call in {"fsync", "fdatasync"}:
            yield from self._of_file("sync begins", rest)
        elif call in {"write", "sendto"} and (said := _TEXT.search(rest)) and _bytes(said[1][: 4 * 9]) == b"HTTP/1.1 ":
            yield Change(call="answer", path=_NO_FILE, data=_bytes(said[1][: 4 * 12]))

    def _ended(self, call: str, arguments: str, result: int, opened: str | None) -> Iterator[Change]:
        found = _OPENED.match(arguments)
        if named := _NAMED.get(call):
            yield from self._named(named, arguments)
        elif call in {"open", "openat", "creat"}:
            yield from self._opened(arguments, result, opened)
        elif call in {"fsync", "fdatasync"}:
            yield from self._of_file("sync ends", arguments)
        elif found is not None and self._is_below(_path(found[2])):
            yield from self._changed(call, arguments, result, int(found[1]))

    def _changed(self, call: str, arguments: str, result: int, descriptor: int) -> Iterator[Change]:
        """An open file below."""
        if call == "lseek":
            self.positions[descriptor] = result
        elif call in {"write", "pwrite64"}:
            yield from self._written(call, arguments, result, descriptor)
        elif call == "ftruncate":
            yield from self._of_file("truncate", arguments, offset=_last_numbers(arguments, 1))
        elif call == "fallocate":
            yield from self._of_file("write", arguments, offset=_last_numbers(arguments, 2))
        else:
            raise AssertionError(f"not understood: {call}({arguments[:200]}")

    def _opened(self, arguments: str, descriptor: int, opened: str | None) -> Iterator[Change]:
        path = _path(opened or "")
        if not self._is_below(path):
            return
        self.positions[descriptor] = 0
        if "O_CREAT" in arguments:
            yield Change(call="make", path=path)
        if "O_TRUNC" in arguments:
            yield Change(call="truncate", path=path)

    def _written(self, call: str, arguments: str, count: int, descriptor: int) -> Iterator[Change]:
        said = _TEXT.search(arguments)
        assert said is not None
        assert not said[2], "a write was not recorded whole"
        if call == "pwrite64":
            offset = _last_numbers(arguments, 1)
        else:
            offset = self.positions[descriptor]
            self.positions[descriptor] += count
        yield from self._of_file("write", arguments, data=_bytes(said[1])[:count], offset=offset)

    def _of_file(self, call: _OfFile, arguments: str, *, data: bytes = b"", offset: int = 0) -> Iterator[Change]:
        found = _OPENED.match(arguments)
        if found is not None and not found[3] and self._is_below(_path(found[2])):
            yield Change(call=call, path=_path(found[2]), data=data, offset=offset)

    def _named(self, call: _Named, arguments: str) -> Iterator[Change]:
        folders = [_path(folder) for folder in _FOLDER.findall(arguments)] or [PurePosixPath("/")]
        names = [_path(name) for name, _ in _TEXT.findall(arguments)]
        paths = [folders[min(place, len(folders) - 1)] / name for place, name in enumerate(names)]
        if any(self._is_below(path) for path in paths):
            yield Change(call=call, path=paths[0], target=paths[1] if len(paths) > 1 else None)

    def _is_below(self, path: PurePosixPath) -> bool:
        return path == self.below or path.is_relative_to(self.below)


def _last_numbers(arguments: str, count: int) -> int:
    """The sum of the last `count` arguments."""
    return sum(int(number) for number in arguments.split(", ")[-count:])


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _path(escaped: str) -> PurePosixPath:
    return PurePosixPath(_bytes(escaped).decode() or "/")
