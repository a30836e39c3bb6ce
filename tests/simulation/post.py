"""The queues: one inside a process, and Cloudflare's, whose messages are leased and come again."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Final

from editqueue.adapters.job_queue.cloudflare.api import CloudflareApi, PulledMessage
from editqueue.adapters.job_queue.cloudflare.message_body import encode
from editqueue.adapters.job_queue.local import LocalQueue
from tests.simulation import faults
from tests.simulation.wire import QUEUE, Kind, Scene, Wire

_IN_MEMORY: Final = Kind(error=QUEUE.error, patience=0, possible=faults.DEADLY)
LATEST: Final = 300.0
"""Seconds that a late message takes."""


def delivered(job_ids: Sequence[str], wire: Wire) -> Iterator[tuple[str, float]]:
    """What becomes of the messages for `job_ids`: each with its delay in seconds, none for one that is lost."""
    scene, who = wire.scene, wire.process.name
    for job_id in job_ids:
        place = f"{who} message"
        nth = scene.calls[place] = scene.calls[place] + 1
        dice = scene.chance.at(place, nth)
        fault = scene.faults.at_message(who, nth, now=scene.loop.time(), dice=dice)
        if fault is not None:
            scene.tell(wire.life.name, f"queue.send for {scene.name_of('job', job_id)}", fault)
        if fault != faults.DROPPED:
            yield job_id, dice.between(1, 0, LATEST) if fault == faults.DELAYED else 0
        if fault == faults.DOUBLED:
            yield job_id, dice.between(1, 0, LATEST)


class OwnQueue(LocalQueue):
    """The queue of one machine. A process hears of its own jobs only."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    @property
    def idle_poll(self) -> timedelta:
        return timedelta(seconds=40)

    async def send(self, job_ids: Sequence[str]) -> None:
        await self._wire.call("queue.send", _IN_MEMORY, lambda: None, f"{len(job_ids)} message(s)")
        for job_id, delay in delivered(job_ids, self._wire):
            if delay:
                self._wire.scene.loop.call_later(delay, self._share_out, [job_id])
            else:
                await super().send([job_id])


@dataclass(kw_only=True, slots=True)
class Letter:
    job_id: str
    visible_at: float
    lease: str = ""


class PostOffice:
    """What Cloudflare keeps."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._letters: list[Letter] = []
        self._leases = count(1)

    def put(self, letters: Sequence[tuple[str, float]]) -> None:
        now = self._scene.loop.time()
        self._letters += [Letter(job_id=job_id, visible_at=now + delay) for job_id, delay in letters]

    def lease(self, limit: int, seconds: float) -> list[PulledMessage]:
        now = self._scene.loop.time()
        found = [letter for letter in self._letters if letter.visible_at <= now][:limit]
        for letter in found:
            letter.lease, letter.visible_at = f"lease {next(self._leases)}", now + seconds
        return [_pulled(letter) for letter in found]

    def settle(self, acks: Sequence[str], retries: Sequence[tuple[str, int]]) -> None:
        """What names a lease that another has replaced does nothing."""
        self._letters = [letter for letter in self._letters if letter.lease not in acks]
        again = dict(retries)
        for letter in self._letters:
            if letter.lease in again:
                letter.visible_at = self._scene.loop.time() + again[letter.lease]
                letter.lease = ""


def _pulled(letter: Letter) -> PulledMessage:
    body = base64.b64encode(json.dumps(encode(letter.job_id)).encode()).decode()
    return PulledMessage.model_construct(body=body, lease_id=letter.lease, metadata={"CF-Content-Type": "json"})


class SimulatedApi(CloudflareApi):
    """Cloudflare's API as one process reaches it."""

    def __init__(self, office: PostOffice, wire: Wire) -> None:  # pyright: ignore[reportMissingSuperCall]  # no HTTP client
        self._office = office
        self._wire = wire

    async def send(self, job_ids: Sequence[str]) -> None:
        letters = [*delivered(job_ids, self._wire)]
        await self._wire.call("queue.send", QUEUE, partial(self._office.put, letters), f"{len(job_ids)} message(s)")

    async def pull(self, *, limit: int, visibility: timedelta) -> Sequence[PulledMessage]:
        return await self._wire.call(
            "queue.pull", QUEUE, partial(self._office.lease, limit, visibility.total_seconds())
        )

    async def settle(self, *, acks: Sequence[str], retries: Sequence[tuple[str, int]]) -> None:
        about = f"{len(acks)} done, {len(retries)} again"
        await self._wire.call("queue.settle", QUEUE, partial(self._office.settle, acks, retries), about)

    async def close(self) -> None:
        pass
