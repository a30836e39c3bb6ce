"""How many uploads one signed URL may have under way, and how long each may take."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from editqueue.adapters.bucket.local.signed_urls import Grant

AT_ONCE: Final = 2
"""Uploads per signed URL: one, and one of a client that believes the first is lost."""
IDLE: Final = timedelta(seconds=30)
"""Without a byte, after which an upload is ended."""
LONGEST: Final = timedelta(hours=1)
"""From the first byte to the last: 250 MB at 70 KB/s."""


class TooManyUploads(Exception):
    """The URL has as many uploads under way as it may have."""


class UploadTooSlow(Exception):
    """No byte came for too long, or the upload lasted too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploads:
    """Those that are under way in this process."""

    at_once: int = AT_ONCE
    idle: timedelta = IDLE
    longest: timedelta = LONGEST
    now: Callable[[], float] = time.monotonic
    """In seconds."""
    _running: Counter[Grant] = field(default_factory=Counter[Grant])

    @contextmanager
    def one_more(self, grant: Grant) -> Generator[None]:
        """Around an upload. Raises TooManyUploads."""
        if self._running[grant] >= self.at_once:
            raise TooManyUploads(f"this URL has {self.at_once} uploads under way already")
        self._running[grant] += 1
        try:
            yield
        finally:
            self._running[grant] -= 1
            if not self._running[grant]:
                del self._running[grant]

    async def in_time(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """`pieces`, or UploadTooSlow as soon as they take too long."""
        ends = self.now() + self.longest.total_seconds()
        while (left := ends - self.now()) > 0:
            try:
                async with asyncio.timeout(min(left, self.idle.total_seconds())):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise UploadTooSlow(f"no byte came for {self.idle.total_seconds():g} s") from error
            yield piece
        raise UploadTooSlow(f"the upload took longer than {self.longest.total_seconds():g} s")
