"""Cloudflare Queues from inside a Worker."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from devtools.cloudflare.host import QUEUE_FULL, Cloudflare
from devtools.cloudflare.isolate import dropping_queue
from editqueue.adapters.job_queue.cloudflare.binding import BindingQueue, message_of
from editqueue.domain.errors import QueueUnavailable
from editqueue.domain.ids import new_id


@pytest.fixture
async def queue(cloudflare: Cloudflare) -> AsyncIterator[BindingQueue]:
    async with dropping_queue(cloudflare) as sending:
        yield sending


async def test_every_job_is_named_once_in_batches_of_a_hundred(cloudflare: Cloudflare, queue: BindingQueue) -> None:
    ids = [new_id() for _ in range(250)]

    await queue.send(ids)

    batches = [json.loads(one["text"]) for one in await cloudflare.calls("sendBatch")]
    assert [len(batch) for batch in batches] == [100, 100, 50]
    sent = [message for batch in batches for message in batch]
    assert sent == [{"body": {"job_id": job_id}, "contentType": "json"} for job_id in ids]


async def test_nothing_to_send_is_no_call_which_the_runtime_would_refuse(
    cloudflare: Cloudflare, queue: BindingQueue
) -> None:
    await queue.send([])

    assert await cloudflare.calls("sendBatch") == []


async def test_a_queue_that_refuses_is_said_to_be_away(cloudflare: Cloudflare, queue: BindingQueue) -> None:
    await cloudflare.fail("sendBatch", QUEUE_FULL)

    with pytest.raises(QueueUnavailable, match=rf"^Queues took no messages: {QUEUE_FULL}$"):
        await queue.send([new_id()])


async def test_what_queues_cannot_take_is_a_defect(cloudflare: Cloudflare, queue: BindingQueue) -> None:
    await cloudflare.tell("rule", call="sendBatch", kind="TypeError", error="at least one message")

    with pytest.raises(TypeError, match="Queues: TypeError: at least one message"):
        await queue.send([new_id()])


@pytest.mark.parametrize("body", [{"job_id": "a1"}, '{"job_id": "a1"}'])
def test_a_message_of_ours_names_its_job(body: Any) -> None:
    message = message_of(body, receipt="r")

    assert (message.job_id, message.receipt) == ("a1", "r")


@pytest.mark.parametrize(
    "body", [None, 5, [], {}, {"job_id": 5}, {"job_id": ""}, "text", b"bytes", {"job_id": object()}]
)
def test_anything_else_names_none(body: Any) -> None:
    assert message_of(body, receipt="r").job_id is None
