"""A disk whose power may be cut: it knows what was written, what of that was synced, and so what may be left.

Nothing is taken for granted that the file system does not promise: a file's bytes are safe when that file was synced,
a folder's entry when that folder was. Only a rename within one folder is whole or not at all.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

Survives = Callable[[], bool]
"""Asked of every change that was not synced."""
NOTHING_UNSYNCED: Survives = lambda: False  # noqa: E731  # a name for a choice
EVERYTHING: Survives = lambda: True  # noqa: E731  # a name for a choice


def half(seed: int) -> Survives:
    chance = random.Random(seed)
    return lambda: chance.random() < 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What one call did, in the order in which the calls ended."""

    call: Literal[
        "make", "mkdir", "write", "truncate", "rename", "link", "unlink", "sync begins", "sync ends", "answer"
    ]
    path: PurePosixPath
    target: PurePosixPath | None = None
    data: bytes = b""
    offset: int = 0
    """Or the length of a truncated file."""


@dataclass(eq=False)
class _File:
    synced: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list[tuple[int, bytes | None]])
    """Writes as offset and bytes, and new lengths without."""
    syncing: int = 0

    def left(self, survives: Survives) -> bytes:
        return _changed(self.synced, [one for one in self.pending if survives()])

    def sync(self) -> None:
        self.synced = _changed(self.synced, self.pending[: self.syncing])
        del self.pending[: self.syncing]
        self.syncing = 0


@dataclass(eq=False)
class _Folder:
    entries: "dict[str, _File | _Folder]" = field(default_factory=dict[str, "_File | _Folder"])
    synced: "dict[str, _File | _Folder]" = field(default_factory=dict[str, "_File | _Folder"])
    pending: "list[Mapping[str, _File | _Folder | None]]" = field(
        default_factory=list[Mapping[str, "_File | _Folder | None"]]
    )
    """Entries made, and those taken away as None; together where they change together."""
    syncing: int = 0

    def change(self, changed: "Mapping[str, _File | _Folder | None]") -> None:
        self.pending.append(changed)
        _apply(self.entries, changed)

    def left(self, survives: Survives) -> "dict[str, _File | _Folder]":
        found = dict(self.synced)
        for changed in self.pending:
            if survives():
                _apply(found, changed)
        return found

    def sync(self) -> None:
        for changed in self.pending[: self.syncing]:
            _apply(self.synced, changed)
        del self.pending[: self.syncing]
        self.syncing = 0


class Disk:
    """The folder `root` and what is below; other paths are none of its business."""

    def __init__(self, root: PurePosixPath) -> None:
        self._root = root
        self._top = _Folder()

    def apply(self, change: Change) -> None:
        if change.call == "answer" or not change.path.is_relative_to(self._root):
            return
        if change.call in {"make", "mkdir", "unlink"}:
            self._entry_changed(change)
        elif change.call in {"rename", "link"}:
            self._renamed(change)
        elif change.call in {"write", "truncate"}:
            self._written(change)
        else:
            self._synced(change)

    def _entry_changed(self, change: Change) -> None:
        if change.call == "make" and self._find(change.path) is not None:
            return
        made = {"make": _File, "mkdir": _Folder, "unlink": lambda: None}[change.call]()
        self._parent(change.path).change({change.path.name: made})

    def _written(self, change: Change) -> None:
        file = self._find(change.path)
        if isinstance(file, _File):  # else it is open, and has no name any more
            file.pending.append((change.offset, change.data if change.call == "write" else None))

    def _renamed(self, change: Change) -> None:
        assert change.target is not None
        if change.path.parent.name.endswith("-wake"):
            return  # sockets, which no call that is recorded makes, and which end with their process
        moved, source, target = self._find(change.path), self._parent(change.path), self._parent(change.target)
        assert moved is not None
        gone: Mapping[str, None] = {} if change.call == "link" else {change.path.name: None}
        if moved is target.entries.get(change.target.name):
            return  # a rename over another link of the same file does nothing
        if source is target:
            target.change({**gone, change.target.name: moved})
            return
        target.change({change.target.name: moved})
        if gone:
            source.change(gone)

    def _synced(self, change: Change) -> None:
        node = self._find(change.path)
        if node is None:
            return
        if change.call == "sync begins":
            node.syncing = len(node.pending)
        else:
            node.sync()

    def left(self, survives: Survives) -> Mapping[PurePosixPath, bytes | None]:
        """What is there after a power cut now, by its path below the root: bytes, or None for a folder."""
        return dict(_walk(self._top, PurePosixPath(), survives, {}))

    def _find(self, path: PurePosixPath) -> "_File | _Folder | None":
        node: _File | _Folder | None = self._top
        for name in path.relative_to(self._root).parts:
            node = node.entries.get(name) if isinstance(node, _Folder) else None
        return node

    def _parent(self, path: PurePosixPath) -> _Folder:
        found = self._find(path.parent)
        assert isinstance(found, _Folder), path
        return found


def _walk(
    folder: _Folder, path: PurePosixPath, survives: Survives, seen: dict[int, bytes]
) -> Iterator[tuple[PurePosixPath, bytes | None]]:
    for name, node in sorted(folder.left(survives).items()):
        if isinstance(node, _Folder):
            yield path / name, None
            yield from _walk(node, path / name, survives, seen)
        else:  # a file of two names has one content
            yield path / name, seen.setdefault(id(node), node.left(survives))


def _changed(content: bytes, changes: Sequence[tuple[int, bytes | None]]) -> bytes:
    if not changes:
        return content
    now = bytearray(content)
    for offset, data in changes:
        if data is None:
            del now[offset:]
        now.extend(bytes(max(0, offset - len(now))))
        if data is not None:
            now[offset : offset + len(data)] = data
    return bytes(now)


def _apply(entries: "dict[str, _File | _Folder]", changed: "Mapping[str, _File | _Folder | None]") -> None:
    for name, node in changed.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node
