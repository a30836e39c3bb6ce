"""Which consumers wait for what they stand on, and why."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.rows import to_ms, to_pause
from editqueue.adapters.job_store.schema import consumer_pauses
from editqueue.adapters.job_store.statements.group import Group, reading, writing
from editqueue.ports.job_store import ConsumerPause

LONGEST_REASON = 500
"""Characters kept of why a consumer waits."""
KEPT = timedelta(days=1)
"""A consumer that has said nothing for so long is gone, and its pause with it."""

_PAUSES = consumer_pauses.c


def record_pause(pause: ConsumerPause) -> Group[None]:
    values = asdict(pause) | {
        "reason": pause.reason[:LONGEST_REASON],
        "since": to_ms(pause.since),
        "seen_at": to_ms(pause.seen_at),
    }
    add = upsert(consumer_pauses).values(values).on_conflict_do_nothing()
    replace = update(consumer_pauses).where(_PAUSES.consumer == pause.consumer).values(values)
    gone = select(_PAUSES.consumer).where(_PAUSES.seen_at < to_ms(pause.seen_at - KEPT))
    # Those that another consumer is removing are left to it: nobody waits.
    forget = delete(consumer_pauses).where(_PAUSES.consumer.in_(gone.with_for_update(skip_locked=True)))
    return writing(add, replace, forget)


def end_pause(consumer: str) -> Group[None]:
    return writing(delete(consumer_pauses).where(_PAUSES.consumer == consumer))


def pauses(*, seen_after: datetime) -> Group[Sequence[ConsumerPause]]:
    found = select(*_PAUSES).where(_PAUSES.seen_at > to_ms(seen_after))
    return reading(found.order_by(_PAUSES.since, _PAUSES.consumer), to_pause)
