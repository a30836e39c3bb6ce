"""What may be wrong with a picture, and how its job must end then."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from devtools.world import preview_of
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, StorageUnavailable
from editqueue.ports.image_tools import Preview


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    error: Exception | None = None
    """What making its preview raises."""
    original: bool = True
    """False: there is nothing in the bucket."""
    job: Literal["done", "failed"] = "failed"
    file: Literal["done", "failed", "queued"] = "failed"
    preview: Literal["picture", "copy", "none"] = "none"
    attempts: int = 1
    """Without a crash."""

    @property
    def note(self) -> str:
        return "edit_done" if self.job == "done" else "revision_required"


FATES = {
    "": Fate(job="done", file="done", preview="picture"),
    "no tool": Fate(error=NoToolForFormat("quicktime"), job="done", file="done", preview="copy"),
    "broken": Fate(error=BrokenPicture("kaputt")),
    "missing": Fate(original=False, file="queued"),
    "away": Fate(error=StorageUnavailable("503"), attempts=4),
}


def preview_for(original: bytes) -> Preview:
    """Depends on the bytes alone, so that a preview of half an original is told from that of a whole one."""
    return preview_of(hashlib.sha256(original).hexdigest())
