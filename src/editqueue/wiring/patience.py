"""How long a call to the bucket may take, out of the time that a job has."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

RETRIES: Final = 2
"""Of one call, by the storage client itself, before it counts as an attempt of the job."""
SHARE: Final = 0.5
"""Of a job's time that one call may use up at its worst. Two calls that need all of it are an outage: then the
job's own limit ends the attempt."""
MOST: Final = timedelta(seconds=60)
LONGEST_PAUSE: Final = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    request: timedelta
    """Of one request, its body included."""
    pause: timedelta
    """The longest between two tries; most are far shorter."""
    retries: int = RETRIES

    @property
    def longest_call(self) -> timedelta:
        return (1 + self.retries) * self.request + self.retries * self.pause


def patience_within(job_timeout: timedelta) -> Patience:
    """What fits into SHARE of `job_timeout`: with the usual 300 s, 48 s for a request, and 150 s for a whole call."""
    pause = min(LONGEST_PAUSE, job_timeout / 50)
    request = (job_timeout * SHARE - RETRIES * pause) / (1 + RETRIES)
    return Patience(request=min(request, MOST), pause=pause)
