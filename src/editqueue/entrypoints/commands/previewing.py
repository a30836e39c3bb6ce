"""preview: one local file, by the same code as the consumer's."""

import os
import secrets
import stat
import time
from dataclasses import asdict
from pathlib import Path

from editqueue.domain.errors import ProcessingError, SetupError
from editqueue.entrypoints.commands.console import print_json, print_line
from editqueue.settings import load_settings
from editqueue.wiring.server import open_local_images


async def run_preview(source: Path, target: Path, *, force: bool, as_json: bool) -> None:
    """Write the preview and say how it was made. Raises SetupError, naming the file; then nothing is written.

    A file that is there is replaced only if `force` says so, and the picture itself never.
    """
    if not source.exists():
        raise SetupError(f"{source}: no such file")
    _confirm_file(source)
    _confirm_target(target, source, force=force)
    started = time.monotonic()
    whole = source.resolve()
    images = open_local_images(load_settings(), whole.parent)
    try:
        preview = await images.make_preview(whole.name)
    except ProcessingError as error:
        raise SetupError(f"{source}: {error.code}: {error}") from error
    finally:
        await images.close()
    seconds = round(time.monotonic() - started, 3)
    try:
        _write_whole(target, preview.body, force=force)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        raise SetupError(f"{target}: {error.strerror}; the preview was not written") from error
    if as_json:
        facts = {name: value for name, value in asdict(preview).items() if name not in {"body", "cost", "etag"}}
        sizes = {"bytes_in": source.stat().st_size, "bytes_written": len(preview.body)}
        print_json({**facts, **asdict(preview.cost), "seconds": seconds, **sizes})
    else:
        print_line(f"{target}: {preview.width} x {preview.height} px from {preview.source_format} ({preview.path})")


def _confirm_target(target: Path, source: Path, *, force: bool) -> None:
    if str(target) == "-":
        raise SetupError("-: a preview goes into a file, not to stdout; give the name of one")
    if not target.parent.is_dir():  # "no-folder/../x" would be x, but not to the operating system
        raise SetupError(f"{target}: there is no folder {target.parent}; the preview was not written")
    if target.exists():
        _confirm_file(target)
        if source.samefile(target):
            raise SetupError(f"{target}: is the picture itself, which its preview would replace; give another file")
    if os.path.lexists(target) and not force:
        raise _exists(target)


def _confirm_file(path: Path) -> None:
    """Writing to a pipe would wait for whoever reads it, and a preview of a device has no end."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise SetupError(f"{path}: {kinds.get(stat.S_IFMT(mode), 'a device')}, not a file; give a file")


def _write_whole(target: Path, body: bytes, *, force: bool) -> None:
    """All of it or nothing; where `target` is a link, into the file that it leads to. Raises OSError; without `force`
    FileExistsError for whatever has come to be there meanwhile."""
    place = Path(os.path.realpath(target))
    part = place.with_name(f".preview-{secrets.token_hex(8)}")
    try:
        part.write_bytes(body)
        if force:
            part.replace(place)
        else:
            _create(place, part)
    finally:
        part.unlink(missing_ok=True)


def _create(place: Path, part: Path) -> None:
    try:
        place.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        place.touch(exist_ok=False)  # now it is ours to replace
        part.replace(place)


def _exists(target: Path) -> SetupError:
    return SetupError(f"{target}: is there already; give another file, or --force")
