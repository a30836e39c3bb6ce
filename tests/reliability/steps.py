"""Number every call of a worker to database, bucket and images, before and after, and do something there."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from editqueue.ports import Bucket, Ports

WATCHED = {"claim_next", "finish", "fail", "retry_later", "hand_back", "copy", "write", "make_preview"}
ONE_JOB = 10
"""Claim, copy, preview, write and finish, before and after each."""


class Steps:
    def __init__(self, at: int, act: Callable[[], Awaitable[None]]) -> None:
        self._at = at
        self._act = act
        self.taken = 0

    def around(self, ports: Ports, bucket: Bucket | None = None) -> Ports:
        return replace(
            ports,
            store=self._watch(ports.store),
            bucket=self._watch(bucket or ports.bucket),
            images=self._watch(ports.images),
        )

    def _watch(self, inner: Any) -> Any:
        return _Watched(inner, self)

    async def step(self) -> None:
        self.taken += 1
        if self.taken == self._at:
            await self._act()


class _Watched:
    def __init__(self, inner: Any, steps: Steps) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in WATCHED:
            return found

        async def watched(*args: Any, **kwargs: Any) -> Any:
            await self._steps.step()
            result = await found(*args, **kwargs)
            await self._steps.step()
            return result

        return watched
