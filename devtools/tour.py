"""Every method of the store, called once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from devtools.scratch import NOW
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import FileStatus, Order, Upload
from editqueue.domain.ids import new_id
from editqueue.domain.jobs import JobStatus
from editqueue.domain.keys import ObjectKeys, new_object_name
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.job_store import FileQuery, JobQuery, Renaming

LATER = NOW + timedelta(hours=1)
FIRST: Final = "01000000-0000-7000-8000-000000000000"
EXIF: Final = '{"Model": "of the tour"}'
"""What its files come with."""


_TIMES: Final[dict[str, Any]] = {"since": NOW, "older_than": LATER}
_PAGES_OF_CUSTOMER: Final[tuple[dict[str, Any], ...]] = (
    {"user_id": "user0", "limit": 500},
    {"user_id": "user0", "limit": 500, "before_id": "02"},
    {"user_id": "user0", "limit": 500, "before_id": "02", "order_id": FIRST},
)
_FILTERS: Final[tuple[dict[str, Any], ...]] = (
    {"user_id": "user0"},
    {"user_id": "user0", "order_id": FIRST},
    {"error_code": "storage_unavailable"},
    {"before_id": FIRST, "limit": 500},
    _TIMES,
    *({"status": status, **_TIMES, "user_id": "user0"} for status in JobStatus),
    *({"status": status, **_TIMES} for status in JobStatus),
    *({"status": JobStatus.FAILED, "may_be_retried": True, **page} for page in _PAGES_OF_CUSTOMER),
    *({"status": status, "error_code": "stale"} for status in JobStatus if status is not JobStatus.DONE),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tour:
    """Calls every method of the store at least once, on a database that holds the jobs of a busy day."""

    store: SqlStore
    before: Callable[[str], None]
    """Told the name of each method before it is called."""
    gone: str
    """A consumer that holds its lock no more."""

    async def go(self) -> None:
        """Claims and their ends first: there is something to claim."""
        for part in (self._orders, self._changes, self._claims, self._sweeps, self._pauses, self._queries):
            await part()

    async def call(self, method: Callable[..., Awaitable[Any]], *words: Any, **named: Any) -> Any:
        self.before(method.__name__)
        return await method(*words, **named)

    async def _orders(self) -> None:
        store, call = self.store, self.call
        order = Order(id=new_id(), user_id="tour", title="", shootcode="TOUR01", notes=None, created_at=NOW)
        await call(store.create_order, order)
        await call(store.order, order.id)
        for _ in range(3):
            upload = _upload(order)
            await call(store.record_upload, upload)
            await call(store.upload, upload.object_key)
            await call(store.add_file, new_id(), upload=upload, size=1, exif_meta=EXIF, now=NOW)
            await call(store.file_of_key, upload.object_key)
        files = await call(store.list_files, FileQuery(order_id=order.id))
        await call(store.list_files, FileQuery(order_id=order.id, status=FileStatus.DONE, marked=True, room_type="bad"))
        ids = [file.id for file in files]
        await call(store.files, ids)
        await call(store.mark_files, ids, user_id="tour", marked=True, now=NOW)
        names = [Renaming(file_id=file.id, old_name=file.name, ver=1, new_name="x") for file in files]
        await call(store.rename_files, names, user_id="tour", now=NOW)
        await call(store.submit, ids, order_id=order.id, user_id="tour", express=True, notes="n", now=NOW)
        await call(store.count_files, order.id)
        await call(store.delete_files, ids[:1], user_id="tour", now=NOW)

    async def _changes(self) -> None:
        await self.call(self.store.approve_file, FIRST, user_id="user0", now=NOW)
        await self.call(self.store.revise, FIRST, user_id="user0", note="heller", now=NOW)

    async def _claims(self) -> None:
        store, call = self.store, self.call
        await call(store.finish, await self._claim(), preview_url="r2://b/k", bytes_copied=1, now=LATER)
        for taken in [await self._claim(), await self._claim()]:
            await call(store.fail, taken, error="e", message="{name}", file_status=FileStatus.FAILED, now=LATER)
        await call(store.retry_job, taken.job.id, now=LATER)
        failed = await call(store.jobs, JobQuery(status=JobStatus.FAILED, may_be_retried=True))
        [again, *_] = await call(store.retry_jobs, failed, now=LATER)
        await call(store.cancel_job, again.id, error="cancelled: e", message="{name}", now=LATER)
        await call(store.retry_later, await self._claim(), error="e", run_after=LATER, now=LATER)
        await call(store.release, await self._claim(), now=LATER)

    async def _claim(self) -> Any:
        return await self.call(self.store.claim_next, now=LATER, holder=self.gone)

    async def _sweeps(self) -> None:
        store, call = self.store, self.call
        for _ in range(10):
            await self._claim()
        await call(store.living_consumers)
        await call(store.gone_holders)
        await call(store.take_over, [self.gone], max_retries=3, message="m", now=LATER)
        await self._claim()
        await call(store.rescue, started_before=LATER + timedelta(1), max_retries=3, message="m", now=LATER)
        due = await call(store.begin_expiry, finished_before=LATER, abandoned_before=NOW, limit=10, now=LATER)
        await call(store.settle_expiry, due[0], now=LATER)
        await call(store.reset_stale_locks, now=LATER)

    async def _pauses(self) -> None:
        store, call = self.store, self.call
        pause = ConsumerPause(consumer="tour", ground="bucket", reason="away", since=NOW, seen_at=NOW)
        await call(store.probe)
        await call(store.record_pause, pause)
        await call(store.pauses, seen_after=NOW)
        await call(store.end_pause, "tour")

    async def _queries(self) -> None:
        store, call = self.store, self.call
        await call(store.notifications, "user0", limit=50, before_id=None)
        await call(store.notifications, "user0", limit=50, before_id="02")
        await call(store.job, FIRST)
        await call(store.job_story, FIRST)
        for status in (None, *JobStatus):
            await call(store.jobs, JobQuery(status=status))
        await call(store.jobs, JobQuery(order_id=FIRST))
        await call(store.jobs, JobQuery(order_id=FIRST, status=JobStatus.FAILED))
        for words in _FILTERS:
            await call(store.jobs, JobQuery(**words))
        await call(store.has_work)
        await call(store.queue_stats, now=LATER)
        await call(store.overview, now=LATER)
        await call(store.known_objects, after_key="user/user1", limit=1000)


def _upload(order: Order) -> Upload:
    key = ObjectKeys(order.user_id, order.id, new_object_name("bild.jpg")).raw
    return Upload(
        object_key=key,
        order_id=order.id,
        user_id=order.user_id,
        filename="bild.jpg",
        mime="image/jpeg",
        room_type=None,
        stack_id=None,
        created_at=NOW,
    )
