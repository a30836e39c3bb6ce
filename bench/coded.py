"""Promise 31: CPU for camera HIFs, HEICs and AVIFs, beside libheif and aom, one after the other in each round."""

import time
from collections.abc import Callable
from statistics import median

from bench.figures import Figure, middle
from bench.pictures import avif_12_mp, heic_12_mp, hif_12_mp, pq_avif
from devtools.pictures.samples import decoded, ssim
from editqueue.adapters.image_tools.decoders.avif import read_avif
from editqueue.adapters.image_tools.decoders.fitting import fitted
from editqueue.adapters.image_tools.decoders.heic import read_heic
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.preview_spec import QUALITY

ROUNDS = 7

Make = Callable[[bytes], bytes]


async def measure() -> list[Figure]:
    return [
        *_one("HIF 12 MP with a copy of 1616 px", hif_12_mp(), _by_libheif, "embedded-heif", 7),
        *_one("HIF 12 MP without", hif_12_mp(copy=False), _by_libheif, "ffmpeg", 2),
        *_one("HEIC 12 MP in 48 tiles", heic_12_mp(), _by_libheif, "ffmpeg", None),
        *_one("AVIF 12 MP", avif_12_mp(), _by_aom, "ffmpeg", 1.5),
        *_one("AVIF 12 MP in PQ", pq_avif(4032, 3024), _by_aom, "ffmpeg", 1.5),
        *_one("AVIF 3 MP in PQ", pq_avif(2048, 1536), _by_aom, "ffmpeg", 1.5),
    ]


def _one(name: str, body: bytes, other: Make, path: str, target: float | None) -> list[Figure]:
    source = BytesSource(body)
    made = render_preview(source)
    assert made.path == path, made.path
    rounds = [(_cpu_ms(_ours, body), _cpu_ms(other, body)) for _ in range(ROUNDS)][1:]
    ratio, spread = middle([theirs / ours for ours, theirs in rounds])
    ours_ms, theirs_ms = (median(each) for each in zip(*rounds, strict=True))
    named, what = f"{name}, {len(body) / 1e6:.1f} MB", "CPU by libheif / ours"
    alike, share = ssim(decoded(made.body), decoded(other(body))), 100 * source.bytes_read / len(body)
    return [
        Figure(
            promise=31, what=f"{named}: {what}", measured=ratio, target=target, at_least=True, unit="x", spread=spread
        ),
        Figure(promise=31, what=f"{named}: ours", measured=ours_ms, unit="ms"),
        Figure(promise=31, what=f"{named}: by libheif", measured=theirs_ms, unit="ms"),
        Figure(promise=31, what=f"{named}: SSIM of both previews", measured=alike, unit=""),
        Figure(promise=31, what=f"{named}: share of the file read", measured=share, unit="%"),
    ]  # fmt: skip


def _ours(body: bytes) -> bytes:
    return render_preview(BytesSource(body)).body


def _by_libheif(body: bytes) -> bytes:
    return fitted(read_heic(body, PixelLimits())).jpegsave_buffer(Q=QUALITY, keep="none", subsample_mode="on")


def _by_aom(body: bytes) -> bytes:
    return read_avif(body, PixelLimits()).jpegsave_buffer(Q=QUALITY, keep="none", subsample_mode="on")


def _cpu_ms(make: Make, body: bytes) -> float:
    started = time.process_time()
    make(body)
    return (time.process_time() - started) * 1000
