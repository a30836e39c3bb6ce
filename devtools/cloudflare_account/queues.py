"""Queues and their consumers. A queue has one consumer."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from devtools.cloudflare_account.call import Call, Refusal


@dataclass(kw_only=True)
class Queue:
    id: str
    name: str
    jurisdiction: str | None
    consumers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def described(self) -> dict[str, Any]:
        described = {
            "queue_id": self.id,
            "queue_name": self.name,
            "consumers": self.consumers,
            "consumers_total_count": len(self.consumers),
            "producers": [],
            "producers_total_count": 0,
            "settings": {"delivery_delay": 0, "delivery_paused": False, "message_retention_period": 345_600},
        }
        return described if self.jurisdiction is None else {**described, "jurisdiction": self.jurisdiction}


@dataclass(kw_only=True)
class Queues:
    queues: dict[str, Queue] = field(default_factory=dict[str, Queue])
    """By id."""

    def find(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.query.get("name")
        return [queue.described() for queue in self.queues.values() if wanted in {None, queue.name}]

    def create(self, call: Call) -> dict[str, Any]:
        name = call.body["queue_name"]
        if any(queue.name == name for queue in self.queues.values()):
            raise Refusal(409, 11009, f"Queue name '{name}' is already taken. Please use a different name.")
        made = Queue(id=uuid.uuid4().hex, name=name, jurisdiction=call.body.get("jurisdiction"))
        self.queues[made.id] = made
        return made.described()

    def get(self, call: Call) -> dict[str, Any]:
        return self._queue(call).described()

    def add_consumer(self, call: Call) -> dict[str, Any]:
        queue = self._queue(call)
        if queue.consumers:
            raise Refusal(409, 11004, f"Queue '{queue.name}' already has a consumer.")
        self._check_dead_letters(call.body)
        made = {**_consumer(call.body), "consumer_id": uuid.uuid4().hex, "queue_name": queue.name}
        queue.consumers.append(made)
        return made

    def set_consumer(self, call: Call) -> dict[str, Any]:
        queue = self._queue(call)
        [consumer] = [found for found in queue.consumers if found["consumer_id"] == call.path["consumer"]] or [None]
        if consumer is None:
            raise Refusal(404, 11001, "Consumer not found.")
        self._check_dead_letters(call.body)
        consumer.update(_consumer(call.body))
        return consumer

    def _check_dead_letters(self, body: dict[str, Any]) -> None:
        wanted = body.get("dead_letter_queue")
        if wanted is not None and all(queue.name != wanted for queue in self.queues.values()):
            raise Refusal(404, 11000, f"Queue '{wanted}' does not exist.")

    def _queue(self, call: Call) -> Queue:
        found = self.queues.get(call.path["queue"])
        if found is None:
            raise Refusal(404, 11000, "Queue not found.")
        return found


def _consumer(body: dict[str, Any]) -> dict[str, Any]:
    """Wrangler looks for `script`, the schema of the answer says `script_name`: the API gives both."""
    return body if "script_name" not in body else {**body, "script": body["script_name"]}
