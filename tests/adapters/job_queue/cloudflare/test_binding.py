"""Cloudflare Queues from inside a Worker."""

from typing import Any

import pytest

from editqueue.adapters.job_queue.cloudflare.binding import BindingQueue, message_of
from editqueue.adapters.js_interop import JsError
from editqueue.domain.errors import QueueUnavailable
from editqueue.domain.ids import new_id


class Binding:
    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[list[dict[str, object]]] = []
        self.error = error

    async def sendBatch(self, messages: list[dict[str, object]]) -> None:  # noqa: N802  # Cloudflare's name
        if self.error is not None:
            raise self.error
        self.batches.append(messages)


async def test_every_job_is_named_once_in_batches_of_a_hundred() -> None:
    binding, ids = Binding(), [new_id() for _ in range(250)]

    await BindingQueue(binding).send(ids)

    assert [len(batch) for batch in binding.batches] == [100, 100, 50]
    sent = [message for batch in binding.batches for message in batch]
    assert [message["body"] for message in sent] == [{"job_id": job_id} for job_id in ids]
    assert {message["contentType"] for message in sent} == {"json"}


async def test_nothing_to_send_is_no_call() -> None:
    binding = Binding()

    await BindingQueue(binding).send([])

    assert binding.batches == []


async def test_a_queue_that_refuses_is_said_to_be_away() -> None:
    with pytest.raises(QueueUnavailable, match=r"^Queues took no messages: Too Many Requests$"):
        await BindingQueue(Binding(JsError("Too Many Requests\n    at stack"))).send([new_id()])


async def test_a_defect_comes_out_as_it_is() -> None:
    with pytest.raises(TypeError, match="ours"):
        await BindingQueue(Binding(TypeError("ours"))).send([new_id()])


@pytest.mark.parametrize("body", [{"job_id": "a1"}, '{"job_id": "a1"}'])
def test_a_message_of_ours_names_its_job(body: Any) -> None:
    message = message_of(body, receipt="r")

    assert (message.job_id, message.receipt) == ("a1", "r")


@pytest.mark.parametrize(
    "body", [None, 5, [], {}, {"job_id": 5}, {"job_id": ""}, "text", b"bytes", {"job_id": object()}]
)
def test_anything_else_names_none(body: Any) -> None:
    assert message_of(body, receipt="r").job_id is None
