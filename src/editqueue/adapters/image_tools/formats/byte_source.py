"""A file read piece by piece. Nothing here needs a native module: the Worker imports it too."""

from editqueue.ports.bucket import ByteSource

HEAD_BYTES = 64 * 1024
"""The first read. It tells the format, and most cameras keep their directories in it."""


class BytesSource:
    """`StoredObject` on bytes in memory."""

    etag = None

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.bytes_read = 0

    def size(self) -> int:
        return len(self._body)

    def read(self, start: int, length: int) -> bytes:
        piece = self._body[start : start + length]
        self.bytes_read += len(piece)
        return piece


class HeadKept:
    """Another source whose first 64 KiB are read once: nothing of them is read again."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._head = source.read(0, HEAD_BYTES)

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    def size(self) -> int:
        return self._source.size()

    def read(self, start: int, length: int) -> bytes:
        known = len(self._head)
        near = self._head[start : start + length]
        if start + length <= known or known == self.size():
            return near
        return near + self._source.read(start + len(near), length - len(near))


class BlocksKept:
    """Another source, read in aligned blocks that are kept; blocks side by side come in one read."""

    def __init__(self, source: ByteSource, *, block: int, most: int) -> None:
        """`most` is how many blocks are kept at least; beyond that the oldest go."""
        self._source = source
        self._block = block
        self._most = most
        self._blocks: dict[int, bytes] = {}

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    def size(self) -> int:
        return self._source.size()

    def read(self, start: int, length: int) -> bytes:
        end = min(start + length, self.size())
        if not 0 <= start < end:
            return b""
        first, last = start // self._block, (end - 1) // self._block
        self._fetch(first, last)
        body = b"".join(self._blocks[number] for number in range(first, last + 1))
        for number in list(self._blocks)[: -self._most]:
            del self._blocks[number]
        return body[start - first * self._block : end - first * self._block]

    def _fetch(self, first: int, last: int) -> None:
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if not missing:
            return
        start = missing[0] * self._block
        body = self._source.read(start, (missing[-1] + 1) * self._block - start)
        for number in range(missing[0], missing[-1] + 1):
            at = number * self._block - start
            self._blocks[number] = body[at : at + self._block]
