"""Open an order. No API route makes one: pix.immo's website does it, or `editqueue order create`."""

import secrets

from editqueue.domain.files import Order
from editqueue.domain.ids import new_id
from editqueue.domain.keys import check_user_id
from editqueue.ports.job_store import JobStore
from editqueue.ports.time import Clock

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without 0, O, 1 and I: people read shoot codes to each other."""


async def create_order(*, user_id: str, title: str, store: JobStore, clock: Clock) -> Order:
    """A new order of `user_id`. Raises Invalid for a user id that is empty, over-long or not printable."""
    check_user_id(user_id)
    shootcode = "".join(secrets.choice(CODE_LETTERS) for _ in range(6))
    order = Order(id=new_id(), user_id=user_id, title=title, shootcode=shootcode, notes=None, created_at=clock.now())
    await store.create_order(order)
    return order
