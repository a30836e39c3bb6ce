"""Cloudflare Queues from inside a Worker: sends through the binding; deliveries come to the entry point."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from editqueue.adapters.job_queue.cloudflare.message_body import batches, decode, encode
from editqueue.adapters.js_interop import first_line, js_exceptions, refused_by_type, without_none
from editqueue.domain.errors import QueueUnavailable
from editqueue.ports.job_queue import Message, Redelivery


class QueueBinding(Protocol):
    """What this queue uses of the binding, as the Workers SDK shows it to Python."""

    async def sendBatch(self, messages: list[dict[str, object]]) -> None: ...  # noqa: N802  # Cloudflare's name


class BindingQueue:
    """`JobQueue` that only sends: the runtime receives, acknowledges and retries."""

    idle_poll = timedelta(minutes=2)

    def __init__(self, binding: QueueBinding) -> None:
        self._binding = without_none(binding)

    async def send(self, job_ids: Sequence[str]) -> None:
        """Raises QueueUnavailable, whatever Queues has against it."""
        for batch in batches(job_ids):
            messages: list[dict[str, object]] = [{"body": encode(job_id), "contentType": "json"} for job_id in batch]
            try:
                await self._binding.sendBatch(messages)
            except js_exceptions() as error:
                if refused_by_type(error):
                    raise TypeError(f"Queues: {first_line(error)}") from error
                raise QueueUnavailable(f"Queues took no messages: {first_line(error)}") from error

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        del limit, wait
        return []

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        del done, again

    async def close(self) -> None:
        """Nothing to close: the runtime owns the binding."""


def message_of(body: object, *, receipt: str) -> Message:
    """A delivered message: its body is what JSON says, already read, or text."""
    try:
        text = body if isinstance(body, str) else json.dumps(body)
    except (TypeError, ValueError, RecursionError):  # bytes, dates: nothing we send
        return Message(job_id=None, receipt=receipt)
    return Message(job_id=decode(text, content_type="text"), receipt=receipt)
