"""Whose turn it is, known to every listener without asking anybody.

PostgreSQL delivers the notifications of all sessions to all listeners in one order: that of their commits. So listeners
that keep the same list by the same rules from what they hear have the same list, and each knows by itself which of them
a job is for.
"""


class IdleWorkers:
    """How many idle workers each consumer has said to have, less those that jobs were given to since."""

    def __init__(self) -> None:
        self._idle: dict[str, int] = {}

    def forget_all(self) -> None:
        self._idle.clear()

    def said(self, consumer: str, count: int) -> None:
        """It has `count` idle workers, and goes to the end of the line."""
        self._idle.pop(consumer, None)
        if count > 0:
            self._idle[consumer] = count

    def count(self, consumer: str) -> int:
        return self._idle.get(consumer, 0)

    def give(self) -> str | None:
        """Give a job to the consumer with the most idle workers, of several to the first in the line. None if all are
        busy."""
        if not self._idle:
            return None
        chosen = max(self._idle, key=lambda consumer: self._idle[consumer])
        self._idle[chosen] -= 1
        if not self._idle[chosen]:
            del self._idle[chosen]
        return chosen
