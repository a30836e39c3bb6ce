"""Orders, upload intents and the files made of them."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import exists, insert, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.rows import to_file, to_ms
from editqueue.adapters.job_store.schema import files, orders, uploads
from editqueue.adapters.job_store.statements.group import Group, writing
from editqueue.domain.files import File, FileStatus, Order, Upload
from editqueue.domain.keys import ObjectKeys, basename


def create_order(order: Order) -> Group[None]:
    values = asdict(order) | {"created_at": to_ms(order.created_at), "last_index": 0}
    return writing(insert(orders).values(values))


def record_upload(upload: Upload) -> Group[None]:
    name = ObjectKeys.from_raw(upload.object_key).name
    values = asdict(upload) | {"created_at": to_ms(upload.created_at), "basename": basename(name)}
    return writing(insert(uploads).values(values))


def add_file(file_id: str, *, upload: Upload, size: int, exif_meta: str | None, now: datetime) -> Group[File]:
    known = exists().where(files.c.object_key == upload.object_key)
    number = update(orders).where(orders.c.id == upload.order_id, ~known).values(last_index=orders.c.last_index + 1)
    values: dict[str, object] = {
        "id": file_id,
        "order_id": upload.order_id,
        "user_id": upload.user_id,
        "object_key": upload.object_key,
        "name": upload.filename,
        "mime": upload.mime,
        "bytes": size,
        "room_type": upload.room_type,
        "stack_id": upload.stack_id,
        "ver": 1,
        "status": FileStatus.UPLOADED.value,
        "locked": False,
        "marked": False,
        "approved": False,
        "exif_meta": exif_meta,
        "created_at": to_ms(now),
        "updated_at": to_ms(now),
    }
    row = select(*(literal(value, files.c[name].type) for name, value in values.items()), orders.c.last_index)
    add = upsert(files).from_select([*values, "position"], row.where(orders.c.id == upload.order_id, ~known))
    made = select(*files.c).where(files.c.object_key == upload.object_key)
    return Group(statements=(number, add.on_conflict_do_nothing(), made), read=lambda rows: to_file(rows[-1][0]))
