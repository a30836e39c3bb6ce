"""A bucket is asked whether it can be used by using it."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from devtools.memory_bucket import MemoryBucket
from devtools.world import SECRET, SteppingClock
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.probing import PROBES, try_out
from editqueue.domain.errors import PermanentError, StorageUnavailable
from editqueue.ports.bucket import ObjectInfo


class Memory(MemoryBucket):
    def __init__(self) -> None:
        super().__init__(signer=UrlSigner(secret=SECRET, clock=SteppingClock()))
        self.writes = Counter[str]()

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        self.writes[key] += 1
        await super().write(key, body, content_type=content_type)

    async def keys(self) -> list[str]:
        return [info.key async for info in self.list("")]


async def test_no_two_probes_write_the_same_key_and_none_is_a_customers() -> None:
    bucket = Memory()

    await asyncio.gather(*(bucket.probe() for _ in range(20)))

    assert set(bucket.writes.values()) == {1}
    assert all(key.startswith(f"{PROBES}/") for key in bucket.writes)
    assert not PROBES.startswith("user")
    assert await bucket.keys() == []


async def test_a_bucket_that_forgets_everything_cannot_be_used() -> None:
    class Forgetful(Memory):
        async def head(self, key: str) -> ObjectInfo:
            await self.delete([key])
            return await super().head(key)

    with pytest.raises(StorageUnavailable, match="does not keep what it is given"):
        await Forgetful().probe()


async def test_a_bucket_that_copies_nothing_cannot_be_used_and_keeps_nothing_of_the_probe() -> None:
    class NoCopies(Memory):
        async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
            raise PermanentError("no copies here")

    bucket = NoCopies()

    with pytest.raises(PermanentError, match="no copies here"):
        await bucket.probe()

    assert await bucket.keys() == []


async def test_a_probe_ends_in_time_whatever_the_bucket_waits_for() -> None:
    class Hanging(Memory):
        async def head(self, key: str) -> ObjectInfo:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(StorageUnavailable, match=r"did not answer within 0\.01 s"):
        await try_out(Hanging(), patience=timedelta(milliseconds=10))
