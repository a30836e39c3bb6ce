"""Compare the bucket with the database: done files without objects, and objects without a file."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from editqueue.domain.errors import ObjectMissing
from editqueue.domain.files import File, FileStatus
from editqueue.ports.bucket import Bucket, ObjectInfo
from editqueue.ports.job_store import JobStore
from editqueue.ports.time import Clock

SAFE_AGE = timedelta(days=1)
"""Objects younger than this may belong to work under way."""
PAGE = 1000
"""Files or objects looked at together; a few pages are all that is in memory."""
EXAMPLES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    count: int = 0
    examples: tuple[str, ...] = ()
    """The first of them, at most EXAMPLES."""

    def plus(self, names: Sequence[str]) -> "Finding":
        return Finding(count=self.count + len(names), examples=(*self.examples, *names)[:EXAMPLES])


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectReport:
    missing: Finding
    """Ids of done files whose processed or preview object is not there."""
    stray: Finding
    """Keys of objects under processed/ or preview/ that no file has."""
    unfinished: int
    """Uploads that were never finalized."""


async def check_objects(*, bucket: Bucket, store: JobStore, clock: Clock, remove: bool) -> ObjectReport:
    """`remove` deletes the stray objects. Nothing depends on the order in which bucket or database list.

    Raises as the bucket and the store do.
    """
    missing, after_key = Finding(), ""
    while files := await store.known_objects(after_key=after_key, limit=PAGE):
        after_key = files[-1].object_key
        published = [file for file in files if _is_published(file)]
        for order, of_order in groupby(published, key=lambda file: _order(file.object_key)):
            missing = missing.plus(await _lacking(list(of_order), order, bucket))
    stray, unfinished = Finding(), 0
    async for keys in _without_file(bucket, store, clock):
        made = sorted(key for key in keys if "/raw/" not in key)
        if remove and made:
            await bucket.delete(made)
        stray = stray.plus(made)
        unfinished += len(keys) - len(made)
    return ObjectReport(missing=missing, stray=stray, unfinished=unfinished)


async def _lacking(files: Sequence[File], order: str, bucket: Bucket) -> list[str]:
    """Ids of those without their objects. Asks again for what the listing lacks: it may have been finished since."""
    wanted = {key for file in files for key in _made(file)}
    async for info in bucket.list(order):
        wanted.discard(info.key)
    return [file.id for file in files if not await _all_there(wanted.intersection(_made(file)), bucket)]


async def _all_there(keys: Iterable[str], bucket: Bucket) -> bool:
    try:
        for key in keys:
            await bucket.head(key)
    except ObjectMissing:
        return False
    return True


async def _without_file(bucket: Bucket, store: JobStore, clock: Clock) -> AsyncIterator[set[str]]:
    """Old objects that no file has, about a page at a time.

    Most are cleared by the files that follow on their order in the database; the few that are left, by all files.
    """
    suspects: set[str] = set()
    async for keys in _pages_of_keys(bucket.list("user/"), before=clock.now() - SAFE_AGE):
        suspects |= await _unclaimed(keys, store, after_key=f"{_order(keys[0])}/raw/", thorough=False)
        if len(suspects) >= PAGE:
            yield await _unclaimed(suspects, store)
            suspects = set()
    yield await _unclaimed(suspects, store)


async def _unclaimed(keys: Iterable[str], store: JobStore, *, after_key: str = "", thorough: bool = True) -> set[str]:
    """Those of `keys` that no file after `after_key` has; unless `thorough`, it ends at the first page without one."""
    left = set(keys)
    while left and (files := await store.known_objects(after_key=after_key, limit=PAGE)):
        claimed = left.intersection(key for file in files for key in (file.object_key, *_made(file)))
        if not claimed and not thorough:
            break
        left -= claimed
        after_key = files[-1].object_key
    return left


async def _pages_of_keys(listing: AsyncIterator[ObjectInfo], *, before: datetime) -> AsyncIterator[Sequence[str]]:
    """Of the objects that were written before `before`."""
    page: list[str] = []
    async for info in listing:
        if info.last_modified < before:
            page.append(info.key)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _made(file: File) -> tuple[str, str]:
    return file.keys.processed, file.keys.preview


def _order(key: str) -> str:
    """`user/{uid}/orders/{order_id}` of a key below it."""
    return "/".join(key.split("/")[:4])


def _is_published(file: File) -> bool:
    return file.status is FileStatus.DONE and file.preview_url is not None and file.deleted_at is None
