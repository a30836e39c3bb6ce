"""The bodies of the API: snake_case, times as RFC 3339 UTC."""

from datetime import datetime
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, ValidationError, model_validator

from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.jobs import JobStatus
from editqueue.entrypoints.http.exif_meta import ExifMeta


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


UtcTime = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
PrintableText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
ShortText = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Ids = Annotated[list[str], Field(min_length=1, max_length=1000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _stop_at_an_unknown_field(cls, body: object) -> object:
        """pydantic itself would make an error of each; a body holds a hundred thousand."""
        names = cast("dict[str, object]", body) if isinstance(body, dict) else {}
        for name in names:
            if name not in cls.model_fields:
                raise ValidationError.from_exception_data(
                    cls.__name__, [{"type": "extra_forbidden", "loc": (name,), "input": None}]
                )
        return cast("object", body)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class UploadIntent(_Request):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"filename": "IMG_0001.jpg", "mime": "image/jpeg", "order_id": "01932c…"}]}
    )
    filename: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    mime: Annotated[str, StringConstraints(max_length=200)]
    order_id: str
    room_type: ShortText | None = None
    stack_id: ShortText | None = None


class UploadIntentAnswer(_Answer):
    signed_url: str
    object_key: str
    headers: dict[str, str]


class UploadFinalize(_Request):
    object_key: Annotated[str, StringConstraints(max_length=1024)]
    bytes: Annotated[int, Field(ge=0, le=2**53)]
    checksum: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    exif_meta: ExifMeta | None = None


class UploadFinalizeAnswer(_Answer):
    file_id: str
    status: FileStatus


class FileItem(_Answer):
    id: str
    order_id: str
    object_key: str
    name: str
    mime: str
    bytes: int
    room_type: str | None
    stack_id: str | None
    index: int
    ver: int
    status: FileStatus
    locked: bool
    marked: bool
    approved: bool
    preview_url: str | None
    created_at: UtcTime
    updated_at: UtcTime


class FilesAnswer(_Answer):
    files: list[FileItem]
    next_cursor: str | None


class BulkIds(_Request):
    ids: Ids


class BulkMark(BulkIds):
    marked: bool


class Ok(_Answer):
    ok: Literal[True] = True


class RenameResult(_Answer):
    id: str
    old_name: str
    new_name: str
    status: Literal["renamed", "unchanged"]


class RenameAnswer(_Answer):
    results: list[RenameResult]


class DeleteAnswer(Ok):
    deleted: int


class SubmitEdits(_Request):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"files": ["01932c…"], "express": True, "order_notes": "Bitte hell."}]}
    )
    files: Ids
    express: bool = False
    order_notes: Annotated[PrintableText, StringConstraints(max_length=5000)] | None = None


class JobItem(_Answer):
    id: str
    file_id: str
    status: JobStatus


class SubmitAnswer(Ok):
    jobs: list[JobItem]


class StatusAnswer(_Answer):
    queued: int
    in_progress: int
    done: int
    failed: int
    total: int


class PreviewAnswer(_Answer):
    url: str
    expires_at: UtcTime


class ApproveAnswer(Ok):
    status: Literal["approved"] = "approved"


class Revision(_Request):
    note: Annotated[PrintableText, StringConstraints(min_length=1, max_length=1000)]


class RevisionAnswer(Ok):
    status: Literal["queued"] = "queued"
    job_id: str


class NotificationItem(_Answer):
    id: str
    type: NotificationType
    created_at: UtcTime
    order_id: str
    file_id: str
    message: str


class NotificationsAnswer(_Answer):
    items: list[NotificationItem]
    next_cursor: str | None


class Health(_Answer):
    status: Literal["ok"] = "ok"
