"""Orders, upload intents and the files made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import exists, func, insert, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.database import each_id, to_ms
from editqueue.adapters.job_store.rows import to_file, to_order, to_upload
from editqueue.adapters.job_store.schema import files, orders, uploads
from editqueue.adapters.job_store.statements.store_base import StoreBase
from editqueue.domain.files import File, FileStatus, Order, Upload
from editqueue.domain.keys import ObjectKeys, basename
from editqueue.ports.job_store import FileQuery


class OrderStatements(StoreBase):
    async def create_order(self, order: Order) -> None:
        values = asdict(order) | {"created_at": to_ms(order.created_at), "last_index": 0}
        await self._database.run(insert(orders).values(values))

    async def order(self, order_id: str) -> Order | None:
        [rows] = await self._database.run(select(*orders.c).where(orders.c.id == order_id))
        return to_order(rows[0]) if rows else None

    async def record_upload(self, upload: Upload) -> None:
        name = ObjectKeys.from_raw(upload.object_key).name
        values = asdict(upload) | {"created_at": to_ms(upload.created_at), "basename": basename(name)}
        await self._database.run(insert(uploads).values(values))

    async def upload(self, object_key: str) -> Upload | None:
        [rows] = await self._database.run(select(*uploads.c).where(uploads.c.object_key == object_key))
        return to_upload(rows[0]) if rows else None

    async def add_file(self, file_id: str, *, upload: Upload, size: int, exif_meta: str | None, now: datetime) -> File:
        known = exists().where(files.c.object_key == upload.object_key)
        number = update(orders).where(orders.c.id == upload.order_id, ~known)
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
        row = select(
            *(literal(value, files.c[name].type) for name, value in values.items()), orders.c.last_index
        ).where(orders.c.id == upload.order_id, ~known)
        *_, rows = await self._database.run(
            number.values(last_index=orders.c.last_index + 1),
            upsert(files).from_select([*values, "position"], row).on_conflict_do_nothing(),
            select(*files.c).where(files.c.object_key == upload.object_key),
        )
        return to_file(rows[0])

    async def file_of_key(self, object_key: str) -> File | None:
        [rows] = await self._database.run(select(*files.c).where(files.c.object_key == object_key))
        return to_file(rows[0]) if rows else None

    async def files(self, ids: Sequence[str]) -> Sequence[File]:
        wanted = each_id(ids)
        [rows] = await self._database.run(
            select(*files.c).where(files.c.id.in_(select(wanted.c.key))).order_by(files.c.id)
        )
        return [to_file(row) for row in rows]

    async def list_files(self, query: FileQuery) -> Sequence[File]:
        found = select(*files.c).where(
            files.c.order_id == query.order_id,
            files.c.deleted_at.is_(None),
            files.c.position > query.after_index,
        )
        if query.status is not None:
            found = found.where(files.c.status == query.status.value)
        if query.marked is not None:
            found = found.where(files.c.marked.is_(query.marked))
        if query.room_type is not None:
            found = found.where(files.c.room_type == query.room_type)
        [rows] = await self._database.run(found.order_by(files.c.position).limit(query.limit))
        return [to_file(row) for row in rows]

    async def count_files(self, order_id: str) -> Mapping[FileStatus, int]:
        [rows] = await self._database.run(
            select(files.c.status, func.count().label("files"))
            .where(files.c.order_id == order_id, files.c.deleted_at.is_(None))
            .group_by(files.c.status)
        )
        return {FileStatus(row["status"]): int(row["files"]) for row in rows}
