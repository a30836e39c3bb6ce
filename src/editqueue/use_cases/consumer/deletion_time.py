"""The time by which it is decided what is old enough to be deleted."""

from datetime import datetime

from editqueue.ports import Ports
from editqueue.ports.time import TOLERANCE


async def deletion_time(ports: Ports) -> datetime:
    """The earlier of our time and the bucket's: one clock that is ahead makes nothing old.

    Raises what `Bucket.now` raises. Nothing may be deleted then.
    """
    theirs, ours = await ports.bucket.now(), ports.clock.now()
    apart = (ours - theirs).total_seconds()
    if abs(apart) > TOLERANCE.total_seconds():
        ports.journal.warning("clocks_differ", against="bucket", seconds=round(apart, 1))
    return min(ours, theirs)
