"""The routes: translate a request into a use case and its result into an answer, nothing else."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import Request

from editqueue.domain.files import FileStatus
from editqueue.entrypoints.http import schemas
from editqueue.entrypoints.http.auth import COOKIE
from editqueue.entrypoints.http.exif_meta import as_stored
from editqueue.entrypoints.http.problems import PROBLEMS
from editqueue.entrypoints.http.signed_in import SignedInRoute, current_user
from editqueue.ports import Ports
from editqueue.ports.job_store import FileQuery
from editqueue.use_cases.customer.approve_file import approve_file
from editqueue.use_cases.customer.delete_files import delete_files
from editqueue.use_cases.customer.finalize_upload import finalize_upload
from editqueue.use_cases.customer.list_files import list_files
from editqueue.use_cases.customer.list_notifications import list_notifications
from editqueue.use_cases.customer.mark_files import mark_files
from editqueue.use_cases.customer.order_status import order_status
from editqueue.use_cases.customer.rename_files import rename_files
from editqueue.use_cases.customer.request_revision import request_revision
from editqueue.use_cases.customer.sign_preview import sign_preview
from editqueue.use_cases.customer.start_upload import start_upload
from editqueue.use_cases.customer.submit_edits import submit_edits


def current_ports(request: Request) -> Ports:
    ports: Ports = request.app.state.ports
    return ports


PortsOf = Annotated[Ports, Depends(current_ports)]
User = Annotated[str, Depends(current_user)]
Limit = Annotated[int, Query(ge=1, le=200)]

# Only the description needs these two: `SignedInRoute` decides.
_DESCRIBED = [Security(APIKeyCookie(name=COOKIE, auto_error=False)), Security(HTTPBearer(auto_error=False))]

router = APIRouter(prefix="/api", responses=PROBLEMS, dependencies=_DESCRIBED, route_class=SignedInRoute)


@router.post("/uploads/intent")
async def upload_intent(body: schemas.UploadIntent, user_id: User, ports: PortsOf) -> schemas.UploadIntentAnswer:
    """Ask for a signed URL to PUT an original to. It is valid for five minutes."""
    started = await start_upload(
        order_id=body.order_id,
        user_id=user_id,
        filename=body.filename,
        mime=body.mime,
        room_type=body.room_type,
        stack_id=body.stack_id,
        ports=ports,
    )
    return schemas.UploadIntentAnswer(
        signed_url=started.signed.url, object_key=started.object_key, headers=dict(started.signed.headers)
    )


@router.post("/uploads/finalize")
async def upload_finalize(body: schemas.UploadFinalize, user_id: User, ports: PortsOf) -> schemas.UploadFinalizeAnswer:
    """Make the file of an uploaded object. The same call again gives the same file."""
    file = await finalize_upload(
        object_key=body.object_key,
        user_id=user_id,
        size=body.bytes,
        checksum=body.checksum,
        exif_meta=None if body.exif_meta is None else as_stored(body.exif_meta),
        ports=ports,
    )
    return schemas.UploadFinalizeAnswer(file_id=file.id, status=file.status)


@router.get("/orders/{id}/files")
async def order_files(
    id: str,
    user_id: User,
    ports: PortsOf,
    cursor: str | None = None,
    limit: Limit = 50,
    status: FileStatus | None = None,
    marked: bool | None = None,  # noqa: FBT001  # a query parameter
    room_type: schemas.ShortText | None = None,
) -> schemas.FilesAnswer:
    """The files of an order by index, page by page."""
    query = FileQuery(order_id=id, limit=limit, status=status, marked=marked, room_type=room_type)
    page = await list_files(query, cursor=cursor, user_id=user_id, store=ports.store)
    return schemas.FilesAnswer.model_validate(page)


@router.post("/files/bulk-mark")
async def bulk_mark(body: schemas.BulkMark, user_id: User, ports: PortsOf) -> schemas.Ok:
    """Mark files for editing, or take the mark away. All or nothing."""
    await mark_files(body.ids, marked=body.marked, user_id=user_id, ports=ports)
    return schemas.Ok()


@router.post("/files/bulk-rename")
async def bulk_rename(body: schemas.BulkIds, user_id: User, ports: PortsOf) -> schemas.RenameAnswer:
    """Bring names to `{date}-{shootcode}_{room_type}_{index}_v{ver}.{ext}`. All or nothing."""
    renamings = await rename_files(body.ids, user_id=user_id, ports=ports)
    return schemas.RenameAnswer(
        results=[
            schemas.RenameResult(
                id=renaming.file_id,
                old_name=renaming.old_name,
                new_name=renaming.new_name,
                status="unchanged" if renaming.new_name == renaming.old_name else "renamed",
            )
            for renaming in renamings
        ]
    )


@router.delete("/files/bulk")
async def bulk_delete(body: schemas.BulkIds, user_id: User, ports: PortsOf) -> schemas.DeleteAnswer:
    """Delete files softly. All or nothing; what was only queued for them ends."""
    return schemas.DeleteAnswer(deleted=await delete_files(body.ids, user_id=user_id, ports=ports))


@router.post("/orders/{id}/submit-edits", status_code=201)
async def submit(id: str, body: schemas.SubmitEdits, user_id: User, ports: PortsOf) -> schemas.SubmitAnswer:
    """Make an EditJob for every marked file. All or nothing; a double click gives the same jobs."""
    jobs = await submit_edits(
        body.files, order_id=id, user_id=user_id, express=body.express, notes=body.order_notes, ports=ports
    )
    return schemas.SubmitAnswer(jobs=[schemas.JobItem.model_validate(job) for job in jobs])


@router.get("/orders/{id}/status")
async def status_of_order(id: str, user_id: User, ports: PortsOf) -> schemas.StatusAnswer:
    """Files of the order by status; `total` is their sum."""
    return schemas.StatusAnswer.model_validate(await order_status(id, user_id=user_id, store=ports.store))


@router.get("/files/{id}/preview")
async def preview(id: str, user_id: User, ports: PortsOf) -> schemas.PreviewAnswer:
    """A link to the preview, valid for five minutes; 404 while there is none."""
    return schemas.PreviewAnswer.model_validate(await sign_preview(id, user_id=user_id, ports=ports))


@router.post("/files/{id}/approve")
async def approve(id: str, user_id: User, ports: PortsOf) -> schemas.ApproveAnswer:
    """Approve a finished file."""
    await approve_file(id, user_id=user_id, ports=ports)
    return schemas.ApproveAnswer()


@router.post("/files/{id}/revision", status_code=201)
async def revision(id: str, body: schemas.Revision, user_id: User, ports: PortsOf) -> schemas.RevisionAnswer:
    """Send a file back for another round: resets `approved`, raises `ver`."""
    job = await request_revision(id, note=body.note, user_id=user_id, ports=ports)
    return schemas.RevisionAnswer(job_id=job.id)


@router.get("/notifications")
async def notifications(
    user_id: User, ports: PortsOf, limit: Limit = 50, cursor: str | None = None
) -> schemas.NotificationsAnswer:
    """What happened to the user's files, newest first."""
    page = await list_notifications(user_id=user_id, limit=limit, cursor=cursor, store=ports.store)
    return schemas.NotificationsAnswer.model_validate(page)
