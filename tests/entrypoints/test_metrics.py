"""The gauges of a running server: what the database holds, not what this process did."""

import asyncio
import socket
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

import httpx
import pytest
from prometheus_client import generate_latest

from devtools.installation import free_port
from devtools.patience import PATIENCE
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


def settings_with_a_port() -> Settings:
    return Settings.model_validate({"EDITQUEUE_METRICS_PORT": free_port()})


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


def test_the_gauges_name_the_consumers_alive_and_forget_the_others() -> None:
    metrics = Metrics()
    metrics.observe_consumers([LivingConsumer(name="web-1", jobs=["a", "b"]), LivingConsumer(name="web-2", jobs=[])])
    assert "editqueue_consumers_alive 2.0" in told_by(metrics)
    assert 'editqueue_consumer_jobs{consumer="web-1"} 2.0' in told_by(metrics)

    metrics.observe_consumers([LivingConsumer(name="web-2", jobs=["a"])])
    assert "web-1" not in told_by(metrics)

    metrics.observe_consumers(None)
    assert "editqueue_consumers_alive NaN" in told_by(metrics)
