"""Database rows to domain values, and times to what is stored of them."""

from datetime import UTC, datetime

from editqueue.adapters.job_store.databases.database import Row
from editqueue.domain.files import File, FileStatus, Notification, NotificationType, Order, Upload
from editqueue.domain.jobs import EditJob, JobStatus


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, as stored."""
    return round(moment.timestamp() * 1000)


def to_time(ms: float) -> datetime:
    """The reverse of `to_ms`; D1 returns integers as floats."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def time_or_none(ms: float | None) -> datetime | None:
    return None if ms is None else to_time(ms)


def to_order(row: Row) -> Order:
    return Order(
        id=row["id"],
        user_id=row["user_id"],
        title=row["title"],
        shootcode=row["shootcode"],
        notes=row["notes"],
        created_at=to_time(row["created_at"]),
    )


def to_upload(row: Row) -> Upload:
    return Upload(
        object_key=row["object_key"],
        order_id=row["order_id"],
        user_id=row["user_id"],
        filename=row["filename"],
        mime=row["mime"],
        room_type=row["room_type"],
        stack_id=row["stack_id"],
        created_at=to_time(row["created_at"]),
    )


def to_file(row: Row) -> File:
    return File(
        id=row["id"],
        order_id=row["order_id"],
        user_id=row["user_id"],
        object_key=row["object_key"],
        name=row["name"],
        mime=row["mime"],
        bytes=int(row["bytes"]),
        room_type=row["room_type"],
        stack_id=row["stack_id"],
        index=int(row["position"]),
        ver=int(row["ver"]),
        status=FileStatus(row["status"]),
        locked=bool(row["locked"]),
        marked=bool(row["marked"]),
        approved=bool(row["approved"]),
        preview_url=row["preview_url"],
        created_at=to_time(row["created_at"]),
        updated_at=to_time(row["updated_at"]),
        deleted_at=time_or_none(row["deleted_at"]),
    )


def to_job(row: Row) -> EditJob:
    copied = row["bytes_copied"]
    return EditJob(
        id=row["id"],
        file_id=row["file_id"],
        order_id=row["order_id"],
        user_id=row["user_id"],
        status=JobStatus(row["status"]),
        created_at=to_time(row["created_at"]),
        run_after=to_time(row["run_after"]),
        fair_order=to_time(row["turn"]),
        started_at=time_or_none(row["started_at"]),
        finished_at=time_or_none(row["finished_at"]),
        error=row["error"],
        attempts=int(row["attempts"]),
        token=row["token"],
        express=bool(row["express"]),
        note=row["note"],
        bytes_copied=None if copied is None else int(copied),
    )


def to_notification(row: Row) -> Notification:
    return Notification(
        id=row["id"],
        user_id=row["user_id"],
        order_id=row["order_id"],
        file_id=row["file_id"],
        job_id=row["job_id"],
        type=NotificationType(row["type"]),
        message=row["message"],
        created_at=to_time(row["created_at"]),
    )
