"""A bucket is asked whether it can be used by using it."""

import asyncio
from datetime import timedelta

import pytest

from devtools.memory_bucket import MemoryBucket
from devtools.world import SECRET, SteppingClock
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.probing import PROBE_KEY, write_and_look
from editqueue.domain.errors import StorageUnavailable
from editqueue.ports.bucket import ObjectInfo


def memory() -> MemoryBucket:
    return MemoryBucket(signer=UrlSigner(secret=SECRET, clock=SteppingClock()))


class Forgetful(MemoryBucket):
    """As if another probe deleted the object before it was looked at, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(signer=UrlSigner(secret=SECRET, clock=SteppingClock()))
        self.times = times

    async def head(self, key: str) -> ObjectInfo:
        if self.times > 0:
            self.times -= 1
            await self.delete([key])
        return await super().head(key)


async def test_a_probe_whose_object_another_probe_deleted_tries_again() -> None:
    bucket = Forgetful(times=3)

    assert await bucket.probe() is not None

    assert [info async for info in bucket.list("")] == []


async def test_a_bucket_that_forgets_everything_cannot_be_used() -> None:
    with pytest.raises(StorageUnavailable, match="does not keep what it is given"):
        await Forgetful(times=999).probe()


async def test_what_a_probe_that_died_left_behind_harms_no_later_one() -> None:
    bucket = memory()
    await bucket.write(PROBE_KEY, b"left", content_type="text/plain")

    await bucket.probe()

    assert [info async for info in bucket.list("")] == []


async def test_a_probe_ends_in_time_whatever_the_bucket_waits_for() -> None:
    class Hanging(MemoryBucket):
        async def head(self, key: str) -> ObjectInfo:
            await asyncio.Event().wait()
            raise AssertionError

    bucket = Hanging(signer=UrlSigner(secret=SECRET, clock=SteppingClock()))

    with pytest.raises(StorageUnavailable, match=r"did not answer within 0\.01 s"):
        await write_and_look(bucket, patience=timedelta(milliseconds=10))


async def test_no_customers_object_is_where_probes_write() -> None:
    assert not PROBE_KEY.startswith("user/")
