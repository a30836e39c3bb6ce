"""Cloudflare's API lets a token make 1,200 requests in five minutes and then answers none for five minutes more
(developers.cloudflare.com/fundamentals/api/reference/limits). A process slows down before that.

Every answer may say what is left for the token, whoever used up the rest: `Ratelimit: "default";r=50;t=30` are 50
requests in the next 30 seconds.
"""

import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from editqueue.domain.errors import StorageUnavailable

PACED_BELOW: Final = 300
"""Requests left from which on the rest is spread over the time that is left; a quarter of the whole."""
RESERVE: Final = 20
"""Requests left that nobody uses: other processes with this token have not heard yet how few there are."""
BLOCKED_FOR: Final = 30.0
"""Seconds without a question after a 429 that names no time."""
LONGEST_BLOCK: Final = 600.0
_LEFT: Final = re.compile(r"\br=(\d+)\s*;\s*t=(\d+)")


class RateLimit:
    """When the next request may go. `elapsed` counts seconds from any moment."""

    def __init__(self, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._free_at = 0.0
        self._apart = 0.0
        """Seconds between two requests, until `_apart_until`."""
        self._apart_until = 0.0

    def reserve(self, *, within: float) -> float:
        """Seconds to wait before the next request, which is then expected. Raises StorageUnavailable if they are
        more than `within`."""
        now = self._elapsed()
        begin = max(now, self._free_at)
        if begin - now > within:
            raise StorageUnavailable(
                f"D1: the rate limit of Cloudflare's API is used up, the next request may go in {begin - now:.0f} s; "
                "give every few consumers an API token of their own account (docs/cloudflare_worker.md)"
            )
        self._free_at = begin + (self._apart if now < self._apart_until else 0.0)
        return begin - now

    def heed(self, status: int, headers: Mapping[str, str]) -> None:
        """Take in what an answer says of the limit."""
        now = self._elapsed()
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._free_at = max(self._free_at, now + _block(headers.get("retry-after", "")))
            return
        for left, seconds in _LEFT.findall(headers.get("ratelimit", "")):
            self._spread(int(left), float(seconds), now)

    def _spread(self, left: int, seconds: float, now: float) -> None:
        if left <= RESERVE:
            self._free_at = max(self._free_at, now + min(seconds, LONGEST_BLOCK))
        elif left < PACED_BELOW:
            self._apart, self._apart_until = seconds / (left - RESERVE), now + seconds


def _block(retry_after: str) -> float:
    return min(float(retry_after), LONGEST_BLOCK) if retry_after.isdecimal() else BLOCKED_FOR
