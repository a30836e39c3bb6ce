"""Synchronous readers over asynchronous storage, without a thread: the Worker has none.

The reader runs over what was fetched so far. Where it asks for more, it is stopped, the piece is fetched,
and it runs again from its start: its readers are pure and work on a few kilobytes, so that costs less than
a second copy of them that awaits.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from editqueue.domain.errors import NoToolForFormat
from editqueue.ports.bucket import ByteSource

T = TypeVar("T")
MOST_READS = 32
"""Cameras need 2 to 8; a file that asks for more is made to keep us busy."""
Fetch = Callable[[int, int], Awaitable[bytes]]
"""Bytes from a start, so many, all of them within the object."""


class _Unread(Exception):
    """Of a piece that was not fetched yet: its start and its length."""


class _Known:
    """`ByteSource` on the `pieces` fetched so far: where each starts, and its bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.pieces: list[tuple[int, bytes]] = []

    @property
    def bytes_read(self) -> int:
        return sum(len(body) for _, body in self.pieces)

    def size(self) -> int:
        return self._size

    def read(self, start: int, length: int) -> bytes:
        end = min(start + length, self._size)
        if not 0 <= start < end:
            return b""
        for at, body in self.pieces:
            if at <= start and end <= at + len(body):
                return body[start - at : end - at]
        raise _Unread(start, end - start)


async def replayed(work: Callable[[ByteSource], T], *, size: int, fetch: Fetch) -> tuple[T, int]:
    """What `work` makes of an object of `size` bytes, and how many of them were fetched.

    Raises NoToolForFormat for a file whose directories are scattered over more than 32 places.
    """
    known = _Known(size)
    while len(known.pieces) < MOST_READS:
        try:
            return work(known), known.bytes_read
        except _Unread as gap:
            start, length = gap.args
            known.pieces.append((start, await fetch(start, length)))
    raise NoToolForFormat(f"its directories are scattered over more than {MOST_READS} places")
