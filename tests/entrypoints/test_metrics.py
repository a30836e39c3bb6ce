"""The gauges of a running server: what the database holds, not what this process did."""

import asyncio
import shutil
import socket
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import httpx
import pytest
from prometheus_client import generate_latest

from devtools.installation import free_port
from devtools.patience import PATIENCE
from devtools.seeds import NOON
from devtools.world import World
from editqueue.adapters.journal.metrics import Metrics
from editqueue.domain.errors import StorageUnavailable
from editqueue.entrypoints.commands.counting import metrics_served
from editqueue.ports.consumers import LivingConsumer
from editqueue.ports.job_store import JobStore, QueueStats
from editqueue.settings import Settings
from editqueue.wiring.server import Server


@dataclass(frozen=True)
class EndlessPause:
    """Never over; tells that somebody waits, having counted."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        self.entered.set()
        await asyncio.Event().wait()


@dataclass(frozen=True)
class FailingStore:
    error: Exception

    async def queue_stats(self, *, now: datetime) -> QueueStats:
        raise self.error


def settings_with_a_port(**more: str) -> Settings:
    return Settings.model_validate({"EDITQUEUE_METRICS_PORT": free_port(), **more})


async def test_the_gauges_tell_what_waits_and_the_port_is_free_afterwards(world: World) -> None:
    await world.submitted(3)
    await world.store.claim_next(now=world.clock.now())
    world.clock.advance(timedelta(seconds=40))
    pause, settings = EndlessPause(), settings_with_a_port()
    server = Server(ports=replace(world.ports, pause=pause), metrics=Metrics(), object_app=None, preview_origin="")

    async with metrics_served(server, settings):
        await pause.entered.wait()
        async with httpx.AsyncClient(trust_env=False) as client:
            told = (await client.get(f"http://127.0.0.1:{settings.metrics_port}/metrics")).text

    assert 'editqueue_active_jobs{status="queued"} 2.0' in told
    assert 'editqueue_active_jobs{status="in_progress"} 1.0' in told
    assert "editqueue_oldest_eligible_job_seconds 40.0" in told
    assert "editqueue_consumers_alive 0.0" in told
    with socket.create_server(("127.0.0.1", settings.metrics_port or 0)):
        pass


@pytest.mark.parametrize("error", [StorageUnavailable("away"), RuntimeError("a defect")])
async def test_whatever_goes_wrong_is_logged_and_the_database_asked_again(world: World, error: Exception) -> None:
    pause, store = EndlessPause(), cast("JobStore", FailingStore(error))
    ports = replace(world.ports, pause=pause, store=store)
    server = Server(ports=ports, metrics=Metrics(), object_app=None, preview_origin="")

    async with metrics_served(server, settings_with_a_port()):
        async with asyncio.timeout(PATIENCE):
            await pause.entered.wait()

    assert world.journal.errors == [(None, error)]


async def test_without_a_port_nothing_is_counted(world: World) -> None:
    pause = EndlessPause()
    server = Server(ports=replace(world.ports, pause=pause), metrics=Metrics(), object_app=None, preview_origin="")

    async with metrics_served(server, Settings.model_validate({})):
        assert not pause.entered.is_set()


def told_by(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def stats(*, stale_locks: int = 0) -> QueueStats:
    return QueueStats(jobs={}, files={}, oldest_eligible=None, stale_locks=stale_locks)


def test_the_gauges_name_the_consumers_alive_and_forget_the_others() -> None:
    metrics = Metrics()
    both = [LivingConsumer(name="web-1", jobs=["a", "b"]), LivingConsumer(name="web-2", jobs=[])]
    metrics.queue.observe(stats(), both, now=NOON)
    assert "editqueue_consumers_alive 2.0" in told_by(metrics)
    assert 'editqueue_consumer_jobs{consumer="web-1"} 2.0' in told_by(metrics)

    metrics.queue.observe(stats(), [LivingConsumer(name="web-2", jobs=["a"])], now=NOON)
    assert "web-1" not in told_by(metrics)

    metrics.queue.observe(stats(), None, now=NOON)
    assert "editqueue_consumers_alive NaN" in told_by(metrics)


def test_locks_without_a_job_are_a_gauge() -> None:
    metrics = Metrics()
    metrics.queue.observe(stats(stale_locks=3), None, now=NOON)

    assert metrics.registry.get_sample_value("editqueue_stale_locks") == 3


def test_how_old_the_gauges_are_can_be_told() -> None:
    metrics = Metrics()
    assert metrics.registry.get_sample_value("editqueue_database_read_timestamp_seconds") == 0
    before = time.time()

    metrics.queue.observe(stats(), None, now=NOON)

    read_at = metrics.registry.get_sample_value("editqueue_database_read_timestamp_seconds")
    assert read_at is not None
    assert before <= read_at <= time.time()


async def test_the_disks_of_database_and_bucket_are_watched(world: World, tmp_path: Path) -> None:
    pause = EndlessPause()
    server = Server(ports=replace(world.ports, pause=pause), metrics=Metrics(), object_app=None, preview_origin="")
    settings = settings_with_a_port(EDITQUEUE_DATA_DIR=str(tmp_path))

    async with metrics_served(server, settings):
        read = server.metrics.registry.get_sample_value
        size = read("editqueue_disk_size_bytes", {"holds": "database"})
        free = read("editqueue_disk_free_bytes", {"holds": "database"})

    assert size == shutil.disk_usage(tmp_path).total
    assert size is not None
    assert free is not None
    assert 0 < free <= size
    assert read("editqueue_disk_free_bytes", {"holds": "bucket"}) is None, "that folder is not there yet"


def test_a_bucket_and_a_database_elsewhere_have_no_disk() -> None:
    assert "editqueue_disk_free_bytes{" not in told_by(Metrics())
