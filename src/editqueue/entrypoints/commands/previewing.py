"""preview: one local file, by the same code as the consumer's."""

import time
from dataclasses import asdict
from pathlib import Path

from editqueue.domain.errors import ProcessingError, SetupError
from editqueue.entrypoints.commands.console import print_json, print_line
from editqueue.settings import load_settings
from editqueue.wiring.server import open_local_images


async def run_preview(source: Path, target: Path, *, as_json: bool) -> None:
    """Write the preview and say how it was made. Raises SetupError, naming the file; then nothing is written."""
    if not source.is_file():
        raise SetupError(f"{source}: no such file")
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
        target.write_bytes(preview.body)
    except OSError as error:
        raise SetupError(f"{target}: {error.strerror}") from error
    if as_json:
        facts = {name: value for name, value in asdict(preview).items() if name not in {"body", "cost"}}
        sizes = {"bytes_in": source.stat().st_size, "bytes_written": len(preview.body)}
        print_json({**facts, **asdict(preview.cost), "seconds": seconds, **sizes})
    else:
        print_line(f"{target}: {preview.width} x {preview.height} px from {preview.source_format} ({preview.path})")
