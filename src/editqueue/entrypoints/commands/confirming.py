"""Whether a program may start on the bucket and the queue that its settings name."""

from editqueue.domain.errors import PermanentError, SetupError, StorageUnavailable
from editqueue.settings import Settings
from editqueue.wiring.job_queue import look_at_queue
from editqueue.wiring.server import Server, look_at_bucket


async def confirm_bucket(server: Server, *, working: bool) -> None:
    """Raises SetupError if the bucket will never work as it is set up, and for a consumer also if it is away: at a
    start that is most likely a wrong setting, and whoever starts it is there to read so."""
    try:
        await look_at_bucket(server.ports.bucket)
    except (PermanentError, StorageUnavailable) as error:
        if working or isinstance(error, PermanentError):
            raise SetupError(str(error)) from error
        server.ports.journal.warning("bucket_not_confirmed", found=str(error))


async def confirm_queue(server: Server, settings: Settings, *, pulling: bool) -> None:
    """Raises SetupError if the queue will never work as it is set up; one that is away now is written down only."""
    found = await look_at_queue(settings, pulling=pulling)
    if found is None or found.ok:
        return
    if not found.transient:
        raise SetupError(f"{found.detail}; {found.remedy}")
    server.ports.journal.warning("queue_not_confirmed", found=found.detail, remedy=found.remedy)
