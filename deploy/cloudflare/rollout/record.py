"""What is kept of a deployment from run to run: the choices that were made, and the ids that Cloudflare gave."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from deploy.cloudflare.rollout.private_files import write_private
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.project import as_json

JURISDICTIONS = ("eu", "fedramp")
BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""What R2 lets a bucket be called (developers.cloudflare.com/r2/buckets/create-buckets)."""
ORIGIN = re.compile(r"https?://[^/\s*,]+")


@dataclass(frozen=True, kw_only=True)
class Record:
    bucket: str
    jurisdiction: str | None = None
    """None: anywhere."""
    origins: tuple[str, ...] = ()
    """Where the pages of your website come from."""
    url: str | None = None
    """Where the Worker answers; None: on workers.dev."""
    account_id: str | None = None
    database_id: str | None = None
    tried: str | None = None
    """The tag of the version that a photo was last tried on."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the command line says; None and () leave it as it is."""

    bucket: str | None = None
    jurisdiction: str | None = None
    origins: Sequence[str] = ()
    url: str | None = None


def load(path: Path, default: Record) -> Record:
    """The record at `path`, or `default` where there is none. Raises Problem for a file that is none of ours."""
    if not path.is_file():
        return default
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kept["origins"] = tuple(kept["origins"])
        return Record(**kept)
    except (ValueError, TypeError, KeyError) as error:
        raise Problem(f"{path} cannot be read ({error}): restore it, or delete it to begin anew") from error


def save(path: Path, record: Record) -> None:
    write_private(path, as_json(asdict(record)))


def choose(record: Record, choices: Choices) -> Record:
    """The record with what the command line says. Raises Problem for what cannot be, or cannot be changed any more."""
    for origin in choices.origins:
        if not ORIGIN.fullmatch(origin):
            raise Problem(f"--origin {origin} is not an origin: scheme and host, no path, for example https://pix.immo")
    if choices.url is not None and not ORIGIN.fullmatch(choices.url.rstrip("/")):
        raise Problem(
            f"--url {choices.url} is no address of a Worker: scheme and host, for example https://edit.pix.immo"
        )
    if choices.bucket is not None and not BUCKET.fullmatch(choices.bucket):
        raise Problem(f"--bucket {choices.bucket}: 3 to 63 small letters, digits and hyphens, no hyphen at either end")
    if choices.jurisdiction not in {None, *JURISDICTIONS}:
        raise Problem(f"--jurisdiction {choices.jurisdiction} is none: {' or '.join(JURISDICTIONS)}")
    settled = record.database_id is not None
    for option, before, wanted in (
        ("--jurisdiction", record.jurisdiction, choices.jurisdiction),
        ("--bucket", record.bucket, choices.bucket),
    ):
        if settled and wanted not in {None, before}:
            raise Problem(
                f"{option} {wanted}: the deployment was made with {before or 'none'}, and that stays. "
                "Take another --name for another deployment"
            )
    return replace(
        record,
        bucket=choices.bucket or record.bucket,
        jurisdiction=choices.jurisdiction or record.jurisdiction,
        origins=tuple(choices.origins) or record.origins,
        url=(choices.url or record.url or "").rstrip("/") or None,
    )
