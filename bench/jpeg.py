"""Promise 13: CPU for a JPEG preview, against the Huffman floor and sharp, one after the other in each round."""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from bench.figures import Figure, middle
from bench.pictures import jpeg_24_mp, jpeg_45_mp
from bench.sharp_peer import Sharp, sharp_peer
from devtools.pictures.samples import decoded, ssim
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview

ROUNDS = 9
PICTURES = {"24 MP": jpeg_24_mp, "45 MP": jpeg_45_mp}
"""sharp shrinks the first on load by 2 and we by 4; the second both by 4."""


async def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, sharp_peer() as sharp:
        return [figure for name in PICTURES for figure in _one(name, Path(folder), sharp)]


def _one(name: str, folder: Path, sharp: Sharp) -> list[Figure]:
    body = PICTURES[name]()
    path, out = folder / "in.jpg", folder / "out.jpg"
    path.write_bytes(body)
    rounds = [_round(body, path, sharp) for _ in range(ROUNDS)][1:]
    sharp.preview(path, out)
    named = f"JPEG {name}, {len(body) / 1e6:.1f} MB"
    by_floor, by_sharp = ([one[0] / one[other] for one in rounds] for other in (1, 2))
    return [
        _ratio(f"{named}: CPU / Huffman floor", by_floor, 1.7),
        _ratio(f"{named}: CPU / sharp", by_sharp, 1.0),
        Figure(promise=13, what=f"{named}: SSIM lost to sharp", measured=_lost(body, out), target=0.003, unit=""),
    ]


def _round(body: bytes, path: Path, sharp: Sharp) -> tuple[float, float, float]:
    ours = _cpu_ms(lambda: render_preview(BytesSource(body)))
    return ours, _cpu_ms(lambda: _floor(body)), sharp.preview(path)


def _floor(body: bytes) -> None:
    """Undo the Huffman coding and keep one pixel of 64: no decoder does less."""
    image = Image.open(io.BytesIO(body))
    image.draft("RGB", (image.width // 8, image.height // 8))
    image.load()


def _cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def _ratio(what: str, values: list[float], target: float) -> Figure:
    measured, spread = middle(values)
    return Figure(promise=13, what=what, measured=measured, target=target, unit="x", spread=spread)


def _lost(body: bytes, out: Path) -> float:
    ours, theirs = decoded(render_preview(BytesSource(body)).body), decoded(out.read_bytes())
    whole = decoded(body).resize(ours.size, Image.Resampling.LANCZOS)
    return ssim(theirs, whole) - ssim(ours, whole)
