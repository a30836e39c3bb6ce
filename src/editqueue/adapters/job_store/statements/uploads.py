"""Orders, upload intents and the files made of them."""

from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import Exists, bindparam, exists, insert, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.constructs import given_text
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import to_file, to_ms
from editqueue.adapters.job_store.schema import FILE_COLUMNS, files, orders, uploads
from editqueue.adapters.job_store.statements.group import Group, writing
from editqueue.adapters.job_store.statements.row_locks import hold_order
from editqueue.domain.files import File, FileStatus, Order, Upload
from editqueue.domain.keys import ObjectKeys, basename

_NEW_FILE: Final = {"ver": 1, "status": FileStatus.UPLOADED.value, "locked": False, "marked": False, "approved": False}
"""What every file begins with."""
_OF_FILE: Final = (
    "id",
    "order_id",
    "user_id",
    "object_key",
    "name",
    "mime",
    "bytes",
    "room_type",
    "stack_id",
    "exif_meta",
    "created_at",
    "updated_at",
)
"""The columns whose values come with the file."""


def create_order(order: Order) -> Group[None]:
    return writing(_insert_order().bind(**asdict(order) | {"created_at": to_ms(order.created_at), "last_index": 0}))


@cache
def _insert_order() -> Template:
    return Template(insert(orders))


def record_upload(upload: Upload) -> Group[None]:
    name = ObjectKeys.from_raw(upload.object_key).name
    values = asdict(upload) | {"created_at": to_ms(upload.created_at), "basename": basename(name)}
    return writing(_insert_upload().bind(**values))


@cache
def _insert_upload() -> Template:
    return Template(insert(uploads))


def add_file(file_id: str, *, upload: Upload, size: int, exif_meta: str | None, now: datetime) -> Group[File]:
    """Of simultaneous calls for one upload, all but the first wait for the order and then find its file."""
    key = upload.object_key
    add = _add_file().bind(
        id=file_id,
        order_id=upload.order_id,
        user_id=upload.user_id,
        object_key=key,
        name=upload.filename,
        mime=upload.mime,
        bytes=size,
        room_type=upload.room_type,
        stack_id=upload.stack_id,
        exif_meta=exif_meta,
        created_at=to_ms(now),
        updated_at=to_ms(now),
    )
    return Group(
        statements=(
            hold_order(upload.order_id),
            _next_index().bind(order_id=upload.order_id, object_key=key),
            add,
            _file_of_key().bind(object_key=key),
        ),
        read=lambda rows: to_file(rows[-1][0]),
    )


@cache
def _next_index() -> Template:
    return Template(
        update(orders)
        .where(orders.c.id == given_text("order_id"), ~_is_there())
        .values(last_index=orders.c.last_index + 1)
    )


@cache
def _add_file() -> Template:
    values = {name: bindparam(name, type_=files.c[name].type) for name in _OF_FILE}
    values |= {name: literal(value, files.c[name].type) for name, value in _NEW_FILE.items()}
    row = select(*values.values(), orders.c.last_index).where(orders.c.id == given_text("order_id"), ~_is_there())
    return Template(upsert(files).from_select([*values, "position"], row).on_conflict_do_nothing())


@cache
def _file_of_key() -> Template:
    return Template(select(*FILE_COLUMNS).where(files.c.object_key == given_text("object_key")))


def _is_there() -> Exists:
    """Whether the upload's file was made before."""
    return exists().where(files.c.object_key == given_text("object_key"))
