"""Promise 16: bytes between the bucket (a real S3 server) and a consumer with its image worker, headers and all."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import obstore
from obstore.store import S3Store

from bench.counting_proxy import CountingProxy
from bench.figures import Figure
from bench.pictures import dng_48_mb, jpeg_24_mp
from devtools.installation import Installation
from devtools.pictures.clips import long_clip
from devtools.pictures.samples import photograph
from devtools.seaweed import S3Server, seaweed
from devtools.seeds import seed_files, seed_order, submit
from editqueue.domain.files import File
from editqueue.domain.keys import ObjectKeys

JOBS = 5


async def measure() -> list[Figure]:
    jpeg, raw = jpeg_24_mp(), dng_48_mb()
    movie = _long_clip()
    with tempfile.TemporaryDirectory() as folder, seaweed(Path(folder)) as server:
        moved, made = await _moved(server, Path(folder) / "jpeg", jpeg)
        raws, _ = await _moved(server, Path(folder) / "raw", raw)
        clips, _ = await _moved(server, Path(folder) / "clip", movie)
    name = f"JPEG {len(jpeg) / 1e6:.1f} MB"
    return [
        Figure(promise=16, what=f"{name}: bytes a job / (file + preview)", measured=moved / (len(jpeg) + made),
               target=1.05, unit="x"),
        Figure(promise=16, what=f"DNG {len(raw) / 1e6:.0f} MB: bytes a job / file", measured=100 * raws / len(raw),
               target=8, unit="%"),
        Figure(promise=16, what=f"mp4 4K, {len(movie) / 1e6:.0f} MB: bytes a job / file",
               measured=100 * clips / len(movie), target=5, unit="%"),
    ]  # fmt: skip


def _long_clip() -> bytes:
    """Twelve seconds of 4K; a picture that moves a little."""
    still = np.asarray(photograph(3840, 2160))
    return long_clip([np.roll(still, 7 * number, axis=1) for number in range(12)], times=24, crf=20)


async def _moved(server: S3Server, folder: Path, body: bytes) -> tuple[float, float]:
    """Bytes of one job on average, and of its preview."""
    async with CountingProxy(server.endpoint).serving() as proxy:
        here = Installation(
            folder, server.settings() | {"EDITQUEUE_S3_ENDPOINT": proxy.endpoint, "JWT_SECRET": "s" * 32}
        )
        files = await _submitted(here, server, body)
        process = here.start("consume", "--drain")
        _, err = await asyncio.to_thread(process.communicate)
        assert process.returncode == 0, err
        assert err.count('"result": "done"') == JOBS, err
        return proxy.bytes / JOBS, _size(server, ObjectKeys.from_raw(files[0].object_key).preview)


async def _submitted(here: Installation, server: S3Server, body: bytes) -> Sequence[File]:
    store = await here.open_store()
    files = await seed_files(store, await seed_order(store), JOBS, size=len(body))
    for file in files:
        obstore.put(_bucket(server), file.object_key, body)
    await submit(store, files)
    await store.close()
    return files


def _size(server: S3Server, key: str) -> int:
    return obstore.head(_bucket(server), key)["size"]


def _bucket(server: S3Server) -> S3Store:
    return S3Store(
        server.bucket, endpoint=server.endpoint, region="auto", access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key, client_options={"allow_http": True},
    )  # fmt: skip
