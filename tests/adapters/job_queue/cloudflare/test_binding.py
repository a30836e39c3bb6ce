"""Cloudflare Queues from inside a Worker."""

from typing import Any

import pytest

from editqueue.adapters.job_queue.cloudflare.binding import BindingQueue, message_of
from editqueue.domain.errors import TransientError
from editqueue.domain.ids import new_id


class Binding:
    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[list[dict[str, object]]] = []
        self.error = error

    async def sendBatch(self, messages: list[dict[str, object]]) -> None:  # noqa: N802
        if self.error is not None:
            raise self.error
        self.batches.append(messages)


async def test_every_job_is_named_once_in_batches_of_a_hundred() -> None:
    binding, ids = Binding(), [new_id() for _ in range(250)]

    await BindingQueue(binding).send(ids)

    assert [len(batch) for batch in binding.batches] == [100, 100, 50]
    assert [one["body"] for batch in binding.batches for one in batch] == [{"job_id": one} for one in ids]
    assert {one["contentType"] for batch in binding.batches for one in batch} == {"json"}


async def test_a_queue_that_refuses_is_transient() -> None:
    with pytest.raises(TransientError, match="Too Many Requests"):
        await BindingQueue(Binding(RuntimeError("Too Many Requests"))).send([new_id()])


@pytest.mark.parametrize("body", [{"job_id": "a1"}, '{"job_id": "a1"}'])
def test_a_message_of_ours_names_its_job(body: Any) -> None:
    message = message_of(body, receipt="r")

    assert (message.job_id, message.receipt) == ("a1", "r")


@pytest.mark.parametrize(
    "body", [None, 5, [], {}, {"job_id": 5}, {"job_id": ""}, "text", b"bytes", {"job_id": object()}]
)
def test_anything_else_names_none(body: Any) -> None:
    assert message_of(body, receipt="r").job_id is None
