"""Orders and files as the tests need them, made through the store like real ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from editqueue.domain.files import File, Order, Upload
from editqueue.domain.ids import new_id
from editqueue.domain.keys import ObjectKeys, new_object_name
from editqueue.ports.job_store import Claim, JobStore

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=16)
URL = "r2://piximmo-media/preview.jpg"


async def seed_order(store: JobStore, *, user_id: str = "anna", order_id: str | None = None) -> Order:
    order = Order(
        id=order_id or new_id(), user_id=user_id, title="Haus", shootcode="AB12CD", notes=None, created_at=NOON
    )
    await store.create_order(order)
    return order


async def seed_files(
    store: JobStore, order: Order, count: int, *, marked: bool = True, name: str = "bild.jpg", size: int = 7
) -> Sequence[File]:
    made = [await _seed_file(store, order, name=name, size=size) for _ in range(count)]
    if marked:
        await store.mark_files([file.id for file in made], user_id=order.user_id, marked=True, now=NOON)
    return made


async def _seed_file(store: JobStore, order: Order, *, name: str, size: int) -> File:
    upload = await seed_upload(store, order, name=name)
    return await store.add_file(new_id(), upload=upload, size=size, exif_meta=None, now=NOON)


async def seed_upload(store: JobStore, order: Order, *, name: str = "bild.jpg") -> Upload:
    """An upload that was begun, of which no file is made yet."""
    upload = Upload(
        object_key=ObjectKeys(order.user_id, order.id, new_object_name(name)).raw,
        order_id=order.id,
        user_id=order.user_id,
        filename=name,
        mime="image/jpeg",
        room_type=None,
        stack_id=None,
        created_at=NOON,
    )
    await store.record_upload(upload)
    return upload


async def submit(
    store: JobStore, files: Sequence[File], *, express: bool = False, now: datetime = NOON
) -> Sequence[str]:
    """Submit `files` of one order; the ids of their jobs, in the order of the files."""
    made = await store.submit(
        [file.id for file in files],
        order_id=files[0].order_id,
        user_id=files[0].user_id,
        express=express,
        notes=None,
        now=now,
    )
    by_file = {job.file_id: job.id for job in made.jobs}
    return [by_file[file.id] for file in files]


async def claim(store: JobStore, now: datetime = NOON) -> Claim:
    taken = await store.claim_next(now=now)
    assert taken is not None, "nothing to claim"
    return taken
