"""What the use cases need from the outside, one file a role, and the frozen bundle that wiring fills."""

from dataclasses import dataclass, field
from datetime import timedelta

from editqueue.ports.bucket import Bucket
from editqueue.ports.holder import Holder, NoHolder
from editqueue.ports.image_tools import ImageTools
from editqueue.ports.job_queue import JobQueue
from editqueue.ports.job_store import JobStore
from editqueue.ports.journal import Journal
from editqueue.ports.time import Chance, Clock, Pause


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Numbers that a deployment may change."""

    job_timeout: timedelta = timedelta(seconds=300)
    stale_after: timedelta = timedelta(seconds=900)
    sweep_batch: int = 10
    max_retries: int = 3
    settle_for: timedelta = timedelta(days=1)
    """How long a result waits for a database that is away."""
    retention: timedelta = timedelta(days=90)
    signed_url: timedelta = timedelta(minutes=5)
    max_upload_bytes: int = 250 * 1000 * 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Everything outside, as wiring chose it."""

    store: JobStore
    bucket: Bucket
    queue: JobQueue
    images: ImageTools
    clock: Clock
    chance: Chance
    journal: Journal
    pause: Pause
    limits: Limits = field(default_factory=Limits)
    holder: Holder = field(default_factory=NoHolder)
