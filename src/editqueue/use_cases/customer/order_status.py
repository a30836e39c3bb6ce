"""How far an order is."""

from dataclasses import dataclass

from editqueue.domain.files import FileStatus
from editqueue.ports.job_store import JobStore
from editqueue.use_cases.customer.access import own_order


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderStatus:
    """Files of the order by status; those only uploaded are not on their way yet and not counted."""

    queued: int
    in_progress: int
    done: int
    failed: int

    @property
    def total(self) -> int:
        return self.queued + self.in_progress + self.done + self.failed


async def order_status(order_id: str, *, user_id: str, store: JobStore) -> OrderStatus:
    """Raises OrderNotFound or Forbidden."""
    await own_order(order_id, user_id=user_id, store=store)
    counts = await store.count_files(order_id)
    return OrderStatus(
        queued=counts.get(FileStatus.QUEUED, 0),
        in_progress=counts.get(FileStatus.IN_PROGRESS, 0),
        done=counts.get(FileStatus.DONE, 0),
        failed=counts.get(FileStatus.FAILED, 0),
    )
