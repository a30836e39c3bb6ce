"""The second half of an upload: the object is there, so the file comes into being."""

import hashlib
from typing import NoReturn

from editqueue.domain.errors import (
    FileNotFound,
    Forbidden,
    Invalid,
    ObjectDiffers,
    ObjectMissing,
    ObjectNotUploaded,
    TooLarge,
    UploadNotFound,
)
from editqueue.domain.files import File, Upload
from editqueue.domain.ids import new_id
from editqueue.domain.keys import ObjectKeys
from editqueue.ports import Ports
from editqueue.ports.bucket import Bucket
from editqueue.ports.job_store import JobStore


async def finalize_upload(
    *, object_key: str, user_id: str, size: int, checksum: str | None, exif_meta: str | None, ports: Ports
) -> File:
    """Make the file of an uploaded object; the same call again gives the same file.

    Raises Forbidden for another user's key, UploadNotFound for one that was never handed out, TooLarge,
    ObjectNotUploaded, ObjectDiffers if size (bytes) or sha-256 (hex) are not those of the object, and
    FileNotFound if the file was deleted since.
    """
    if size > ports.limits.max_upload_bytes:
        raise TooLarge(f"{size} bytes are over the limit of {ports.limits.max_upload_bytes}", field="bytes")
    upload = await _own_upload(object_key, user_id=user_id, store=ports.store)
    known = await ports.store.file_of_key(object_key)
    if known is not None and known.deleted_at is not None:
        raise FileNotFound("the file of this object_key was deleted", ids=[known.id], field="object_key")
    if known is not None and known.bytes != size:
        _differs(f"the file has {known.bytes} bytes, not {size}")
    await _check_object(object_key, size=size, checksum=checksum, bucket=ports.bucket)
    return known or await ports.store.add_file(
        new_id(), upload=upload, size=size, exif_meta=exif_meta, now=ports.clock.now()
    )


async def _own_upload(object_key: str, *, user_id: str, store: JobStore) -> Upload:
    if not object_key.isprintable():
        raise Invalid("object_key holds control characters", field="object_key")
    keys = ObjectKeys.from_raw(object_key)
    if keys.user_id != user_id:
        raise Forbidden("object_key belongs to somebody else", field="object_key")
    upload = await store.upload(object_key)
    if upload is None:
        raise UploadNotFound("object_key was not handed out by /api/uploads/intent", field="object_key")
    return upload


async def _check_object(object_key: str, *, size: int, checksum: str | None, bucket: Bucket) -> None:
    try:
        there = await bucket.head(object_key)
        if there.size != size:
            _differs(f"the uploaded object has {there.size} bytes, not {size}")
        if checksum is not None and checksum.lower() != await _sha256(object_key, bucket):
            _differs("the uploaded object has another sha-256 checksum", field="checksum")
    except ObjectMissing as error:
        raise ObjectNotUploaded(
            "nothing was uploaded yet: PUT the file to the signed URL first", field="object_key"
        ) from error


async def _sha256(object_key: str, bucket: Bucket) -> str:
    digest = hashlib.sha256()
    async for piece in bucket.stream(object_key):
        digest.update(piece)
    return digest.hexdigest()


def _differs(what: str, *, field: str = "bytes") -> NoReturn:
    raise ObjectDiffers(f"{what}: upload it again", field=field)
