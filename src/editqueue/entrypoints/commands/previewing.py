"""preview: one local file, by the same code as the consumer's."""

import asyncio
from dataclasses import asdict
from pathlib import Path

from editqueue.domain.errors import SetupError
from editqueue.entrypoints.commands.running import print_json, print_line
from editqueue.ports import Preview
from editqueue.wiring.server import open_local_images


def run_preview(source: Path, target: Path, *, as_json: bool) -> None:
    if not source.is_file():
        raise SetupError(f"{source}: no such file")
    preview = asyncio.run(_make(source))
    try:
        target.write_bytes(preview.body)
    except OSError as error:
        raise SetupError(f"{target}: {error.strerror}") from error
    facts = {name: value for name, value in asdict(preview).items() if name != "body"}
    if as_json:
        print_json(facts | {"bytes_written": len(preview.body)})
    else:
        print_line(f"{target}: {preview.width} x {preview.height} px from {preview.source_format} ({preview.path})")


async def _make(source: Path) -> Preview:
    whole = source.resolve()
    pool = open_local_images(whole.parent)
    try:
        return await pool.make_preview(whole.name)
    finally:
        await pool.close()
