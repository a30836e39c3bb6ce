"""Promises 15 and 32: whole jobs against an S3 server 30 ms away, beside the worker one would write first."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.far_away import ROUND_TRIP_MS, FarAway, far_away
from bench.figures import Figure, middle
from bench.peers import NODE, install_peers
from bench.pictures import avif_12_mp, dng_48_mb, heic_12_mp, hif_12_mp, jpeg_24_mp, jpeg_45_mp
from bench.processes import Report, run_commands, run_workers
from bench.seeding import Rows, object_key, seed
from devtools.databases import new_sqlite
from devtools.scratch import in_memory
from devtools.seaweed import S3Server, seaweed
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.wiring.system_clock import SystemClock

ROUNDS = 3
BEST = 8
"""EDITQUEUE_CONCURRENCY at which throughput stops growing on two cores: see the figures per setting."""
COPIES = 3 * BEST
"""Of the server's own, to learn what one costs."""
AWAY = f"{ROUND_TRIP_MS} ms away"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    name: str
    extension: str
    ours: int
    """Jobs of one run with several at a time."""
    single: int
    """Jobs of one run with one at a time."""
    naive: int
    """Jobs of one run of the naive worker: it takes longer."""
    target: float | None
    """With several jobs at a time."""
    single_target: float | None = None
    """With one job at a time."""


KINDS = (
    Kind(name="JPEG 24 MP", extension="jpg", ours=24, single=6, naive=4, target=4, single_target=1.6),
    Kind(name="JPEG 45 MP", extension="jpg", ours=16, single=6, naive=4, target=4, single_target=1.6),
    Kind(name="HEIC 12 MP", extension="heic", ours=8, single=3, naive=3, target=None),
    Kind(name="HIF 12 MP", extension="hif", ours=16, single=5, naive=3, target=None),
    Kind(name="AVIF 12 MP", extension="avif", ours=8, single=3, naive=3, target=None),
    Kind(name="DNG 48 MB, with preview", extension="dng", ours=16, single=5, naive=2, target=20),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of one worker over one kind of file."""

    jobs_per_second: float
    cpu_ms: float
    peak_mb: float
    carried: float | None
    """Bytes between worker and S3 server, both ways, per job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a run takes place: the server near or far, and a folder for databases."""

    s3: S3Server
    far: FarAway | None
    folder: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    near: Place
    away: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """The three that are compared, one after the other, so that a noisy neighbour hits all three."""

    naive: Run
    single: Run
    best: Run


async def measure() -> list[Figure]:
    install_peers()
    return [figure for kind in KINDS for figure in await _one(kind)]


async def _one(kind: Kind) -> list[Figure]:
    body = await asyncio.to_thread(_BODIES[kind.name])
    named = f"{kind.name}, {len(body) / 1e6:.1f} MB"
    rounds = [await _round(kind, body) for _ in range(ROUNDS)]
    naive, single, best = [one.naive for one in rounds], [one.single for one in rounds], [one.best for one in rounds]
    async with _places(kind, body) as places:
        ceiling = await _ceiling(named, kind, places.near.s3, naive, best)
        others = await _others(kind, places)
    runs = {
        f"naive worker, {AWAY}": naive,
        f"ours, 1 job at a time, {AWAY}": single,
        f"ours, {BEST} at a time, {AWAY}": best,
        **{who: [run] for who, run in others.items()},
    }
    return [
        _ratio(named, best, naive, kind.target, f"one consumer of {BEST}"),
        _ratio(named, single, naive, kind.single_target, "one consumer, 1 job at a time", promise=32),
        *ceiling,
        *_carried(named, len(body), best),
        *(_row(named, who, those) for who, those in runs.items()),
    ]


async def _round(kind: Kind, body: bytes) -> Round:
    async with _places(kind, body) as places:
        return Round(
            naive=await _naive(kind, places.away),
            single=await _ours(kind, places.away, 1),
            best=await _ours(kind, places.away, BEST),
        )


async def _others(kind: Kind, places: Places) -> dict[str, Run]:
    near, away = places.near, places.away
    return {
        f"ours, 2 consumers of {BEST}, {AWAY}": await _ours(kind, away, BEST, count=2),
        "naive worker, loopback": await _naive(kind, near),
        f"ours, {BEST} at a time, {AWAY}, the store's copy answered at once": await _ours(
            kind, away, BEST, copies=False
        ),
        "ours, 1 job at a time, loopback": await _ours(kind, near, 1),
        f"ours, {BEST} at a time, loopback": await _ours(kind, near, BEST),
    }


@asynccontextmanager
async def _places(kind: Kind, body: bytes) -> AsyncGenerator[Places]:
    """A fresh server with the originals. One that goes on grows with each overwritten object, and past some
    gigabytes in memory every new page costs it three times the CPU."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as name, seaweed(_made(Path(name) / "s3")) as server:
        await _upload(kind, server, body)
        async with far_away(server) as far:
            folder = Path(name)
            yield Places(
                near=Place(s3=server, far=None, folder=folder), away=Place(s3=far.server, far=far, folder=folder)
            )


async def _naive(kind: Kind, place: Place) -> Run:
    keys = [object_key(number, kind.extension) for number in range(kind.naive)]
    environment = {
        "ENDPOINT": place.s3.endpoint,
        "BUCKET": place.s3.bucket,
        "ACCESS_KEY_ID": place.s3.access_key_id,
        "SECRET_ACCESS_KEY": place.s3.secret_access_key,
        "KEYS": json.dumps(keys),
    }
    async with _counted(place) as carried:
        reports = await run_commands(["node", "--no-warnings", str(NODE / "naive.mjs")], 1, environment)
    # It carries one job more than it counts: the one to warm up on.
    return _run(reports, sum(carried) / (kind.naive + 1) if carried else None)


async def _ours(kind: Kind, place: Place, concurrency: int, *, count: int = 1, copies: bool = True) -> Run:
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        url = new_sqlite(Path(folder))
        jobs = kind.ours if concurrency > 1 else kind.single
        seed(url, Rows(queued=jobs, extension=kind.extension))
        environment = {
            **place.s3.settings(),
            "EDITQUEUE_DATABASE_URL": url,
            "EDITQUEUE_DATA_DIR": folder,
            "EDITQUEUE_QUEUE": "none",
            "EDITQUEUE_CONCURRENCY": str(concurrency),
            "JWT_SECRET": "0" * 32,
        }
        async with _counted(place) as carried:
            warm = object_key(0, kind.extension)
            arguments = [warm] if copies else [warm, "no-copies"]
            reports = await run_workers("s3_consumer", arguments, count=count, environment=environment)
    done = sum(one["done"] for one in reports)
    assert done == jobs, f"{kind.name}: {done} of {jobs} jobs done"
    # The warm-up carries as many pictures, without copy and preview, as jobs at a time.
    return _run(reports, sum(carried) / (done + concurrency * count) if carried else None)


def _run(reports: Sequence[Report], carried: float | None) -> Run:
    done = sum(one["done"] for one in reports)
    took = max(one["ended"] for one in reports) - min(one["started"] for one in reports)
    return Run(
        jobs_per_second=done / took,
        cpu_ms=sum(one["tree_cpu_seconds"] for one in reports) / done * 1000,
        peak_mb=sum(one["peak_mb"] for one in reports),
        carried=carried,
    )


@asynccontextmanager
async def _counted(place: Place) -> AsyncGenerator[list[float]]:
    """Afterwards holds the bytes carried up and down; stays empty on loopback, where nobody counts."""
    carried: list[float] = []
    if place.far is not None:
        await place.far.carried()
    yield carried
    if place.far is not None:
        told = await place.far.carried()
        carried += [told["up"], told["down"]]


def _ratio(
    named: str, ours: Sequence[Run], naive: Sequence[Run], target: float | None, who: str, *, promise: int = 15
) -> Figure:
    ratios = [one.jobs_per_second / other.jobs_per_second for one, other in zip(ours, naive, strict=True)]
    measured, spread = middle(ratios)
    return Figure(
        promise=promise,
        what=f"{named}: jobs/s, {who} / naive worker",
        measured=measured,
        target=target,
        at_least=True,
        unit="x",
        spread=spread,
    )


def _carried(named: str, size: int, runs: Sequence[Run]) -> list[Figure]:
    carried = median(one.carried or 0 for one in runs)
    return [
        Figure(
            promise=16,
            what=f"{named}: bytes over the wire / file, warm-up and answers included",
            measured=carried / size,
            unit="x",
        )
    ]


def _row(named: str, who: str, runs: Sequence[Run]) -> Figure:
    measured, spread = middle([one.jobs_per_second for one in runs])
    facts = {"cpu_ms": median(one.cpu_ms for one in runs), "peak_mb": max(one.peak_mb for one in runs)}
    return Figure(promise=15, what=f"{named}: {who}", measured=measured, unit="jobs/s", spread=spread, facts=facts)


async def _ceiling(named: str, kind: Kind, server: S3Server, naive: Sequence[Run], ours: Sequence[Run]) -> list[Figure]:
    """What these cores allow: each job costs the server's own copy and our part, and nothing else."""
    copies, copy_ms = await _copies(kind, server)
    job_ms = median(one.cpu_ms for one in ours)
    cores = len(os.sched_getaffinity(0))
    possible = cores * 1000 / (copy_ms + job_ms)
    return [
        Figure(
            promise=15,
            what=f"{named}: the S3 server's CopyObject alone, {BEST} at a time, loopback",
            measured=copies,
            unit="1/s",
            facts={"cpu_ms": copy_ms},
        ),
        Figure(
            promise=15,
            what=f"{named}: {cores} cores / CPU of that copy and of our job / naive worker: the most possible here",
            measured=possible / median(one.jobs_per_second for one in naive),
            unit="x",
        ),
    ]


async def _copies(kind: Kind, server: S3Server) -> tuple[float, float]:
    """Server-side copies a second with nothing else to do, and the server's CPU for one, in ms."""
    bucket, keys = _bucket(server), iter(range(COPIES))

    async def copy() -> None:
        for number in keys:
            key = object_key(number % kind.naive, kind.extension)
            await bucket.copy(key, f"copies/{number}")

    started, before = time.perf_counter(), server.cpu_seconds()
    await asyncio.gather(*(copy() for _ in range(BEST)))
    took, used = time.perf_counter() - started, server.cpu_seconds() - before
    await bucket.close()
    return COPIES / took, used / COPIES * 1000


def _bucket(server: S3Server) -> S3Bucket:
    return S3Bucket(server.client(), clock=SystemClock(), system=SystemClock())


async def _upload(kind: Kind, server: S3Server, body: bytes) -> None:
    """The same picture under every key."""
    bucket = _bucket(server)
    for number in range(max(kind.ours, kind.naive)):
        await bucket.write(object_key(number, kind.extension), body, content_type=f"image/{kind.extension}")
    await bucket.close()


_BODIES = {
    "JPEG 24 MP": jpeg_24_mp,
    "JPEG 45 MP": jpeg_45_mp,
    "HEIC 12 MP": heic_12_mp,
    "HIF 12 MP": hif_12_mp,
    "AVIF 12 MP": avif_12_mp,
    "DNG 48 MB, with preview": dng_48_mb,
}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
