"""Promise 14: a camera raw costs its preview and a few kilobytes more, in bytes, requests and CPU."""

import random
import time
from collections.abc import Callable

from bench.figures import Figure, middle
from devtools.pictures.raws import cr3, dng, preview, sensor
from devtools.pictures.samples import encoded, photograph
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview

ROUNDS = 15
SENSOR = (6000, 4000)


class Requests(BytesSource):
    """Each read is a request to the bucket: nothing above it keeps more than it was given."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.count = 0

    def read(self, start: int, length: int) -> bytes:
        self.count += 1
        return super().read(start, length)


async def measure() -> list[Figure]:
    jpeg = encoded(photograph(1620, 1080), quality=88)
    full = encoded(photograph(*SENSOR), quality=88)
    tiny = encoded(photograph(256, 171))
    camera = sensor(*SENSOR)
    shapes = {
        "DNG 24 MP, directories at its end": dng(preview(tiny), preview(full), preview(jpeg), camera),
        "CR3": cr3(jpeg) + b"\x02\0\0\x08mdat" + random.Random(1).randbytes(2**25),
    }
    return [figure for name, body in shapes.items() for figure in _one(name, body, jpeg)]


def _one(name: str, body: bytes, jpeg: bytes) -> list[Figure]:
    source = Requests(body)
    made = render_preview(source)
    assert made.path == "embedded-jpeg"
    over = (source.bytes_read - len(jpeg)) / 1024
    rounds = [_cpu(body) / _cpu(jpeg) for _ in range(ROUNDS)][1:]
    ratio, spread = middle(rounds)
    cpu = f"{name}: CPU / its preview alone"
    return [
        Figure(promise=14, what=f"{name}: read beyond its preview", measured=over, target=160, unit="KiB"),
        Figure(promise=14, what=f"{name}: requests", measured=source.count, target=8, unit=""),
        Figure(promise=14, what=cpu, measured=ratio, target=1.3, unit="x", spread=spread),
        Figure(
            promise=16, what=f"{name}: share of the file read", measured=100 * source.bytes_read / len(body),
            target=8, unit="%",
        ),
    ]  # fmt: skip


def _cpu(body: bytes) -> float:
    return _seconds(lambda: render_preview(BytesSource(body)))


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
