"""What one photo asks of the bucket: the consumer's requests for one job, by method and format, with money on R2.

Counted by a proxy before a real S3 server; requests that are not about the photo's own objects are not counted.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

from bench.figures import Figure
from bench.pictures import dng_48_mb, heic_12_mp, jpeg_24_mp, jpeg_45_mp
from devtools.fault_proxy import fault_proxy, tcp
from devtools.installation import Installation
from devtools.seaweed import S3Server, seaweed
from devtools.seeds import seed_files, seed_order, submit

JOBS = 5
PHOTOS: dict[str, Callable[[], bytes]] = {
    "JPEG 24 MP": jpeg_24_mp,
    "JPEG 45 MP": jpeg_45_mp,
    "HEIC 12 MP": heic_12_mp,
    "DNG 24 MP with a preview": dng_48_mb,
}
CLASS_A, CLASS_B = 4.50e-6, 0.36e-6
"""Dollars for one write or copy, and for one read, on R2 in November 2026; deleting is free."""


async def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, seaweed(Path(folder)) as server:
        return [await _photo(server, Path(folder) / str(n), *one) for n, one in enumerate(PHOTOS.items())]


async def _photo(server: S3Server, folder: Path, name: str, make: Callable[[], bytes]) -> Figure:
    body = make()
    asked = Counter[str]()

    def count(request: str) -> None:
        method, path, *_ = request.split(" ")
        asked[method] += any(f"/{kind}/" in path for kind in ("raw", "processed", "preview"))

    where = urlsplit(server.endpoint)
    async with fault_proxy(tcp(where.hostname or "", where.port or 80), http=True) as proxy:
        proxy.choose = count
        settings = server.settings() | {
            "EDITQUEUE_S3_ENDPOINT": f"http://127.0.0.1:{proxy.port}",
            "EDITQUEUE_QUEUE": "none",
            "JWT_SECRET": "s" * 32,
        }
        here = Installation(folder, settings)
        await _submitted(here, server, body)
        _, err = await asyncio.to_thread(here.start("consume", "--drain").communicate)
    assert err.count('"result": "done"') == JOBS, err
    writes, reads = asked["PUT"] / JOBS, (asked["GET"] + asked["HEAD"]) / JOBS
    return Figure(
        promise=0,
        what=f"{name}, {len(body) / 1e6:.1f} MB: requests of one job to the bucket",
        measured=writes + reads,
        unit="",
        facts={
            "writes_and_copies": writes,
            "reads": reads,
            "dollars_per_million": (writes * CLASS_A + reads * CLASS_B) * 1e6,
        },
    )


async def _submitted(here: Installation, server: S3Server, body: bytes) -> Sequence[str]:
    store = await here.open_store()
    files = await seed_files(store, await seed_order(store), JOBS, size=len(body))
    bucket = S3Store(
        server.bucket, endpoint=server.endpoint, region="auto", access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key, client_options={"allow_http": True},
    )  # fmt: skip
    for file in files:
        obstore.put(bucket, file.object_key, body)
    submitted = await submit(store, files)
    await store.close()
    return submitted
