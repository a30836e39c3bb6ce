"""preview: one local file, by the same code as the consumer's."""

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
    if not source.is_file():
        raise SetupError(f"{source}: {'a folder, not a file' if source.is_dir() else 'no such file'}")
    if target.exists() and source.samefile(target):
        raise SetupError(f"{target}: is the picture itself, which its preview would replace; give another file")
    if target.exists() and not force:
        raise _exists(target)
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
        with target.open("wb" if force else "xb") as file:
            file.write(preview.body)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        raise SetupError(f"{target}: {error.strerror}") from error
    if as_json:
        facts = {name: value for name, value in asdict(preview).items() if name not in {"body", "cost", "etag"}}
        sizes = {"bytes_in": source.stat().st_size, "bytes_written": len(preview.body)}
        print_json({**facts, **asdict(preview.cost), "seconds": seconds, **sizes})
    else:
        print_line(f"{target}: {preview.width} x {preview.height} px from {preview.source_format} ({preview.path})")


def _exists(target: Path) -> SetupError:
    return SetupError(f"{target}: is there already; give another file, or --force")
