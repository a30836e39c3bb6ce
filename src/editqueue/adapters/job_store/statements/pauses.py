"""Which consumers wait for what they stand on, and why."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.constructs import given_text, given_time
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import to_ms, to_pause
from editqueue.adapters.job_store.schema import consumer_pauses
from editqueue.adapters.job_store.statements.group import Group, reading, writing
from editqueue.ports.consumers import ConsumerPause

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
    forget = _forget().bind(seen_before=to_ms(pause.seen_at - KEPT))
    return writing(_add().bind(**values), _replace().bind(**values), forget)


@cache
def _add() -> Template:
    return Template(upsert(consumer_pauses).on_conflict_do_nothing())


@cache
def _replace() -> Template:
    values = {column.name: bindparam(column.name, type_=column.type) for column in _PAUSES}
    return Template(update(consumer_pauses).where(_PAUSES.consumer == given_text("consumer")).values(values))


@cache
def _forget() -> Template:
    gone = select(_PAUSES.consumer).where(_PAUSES.seen_at < given_time("seen_before"))
    # Those that another consumer is removing are left to it: nobody waits.
    return Template(delete(consumer_pauses).where(_PAUSES.consumer.in_(gone.with_for_update(skip_locked=True))))


def end_pause(consumer: str) -> Group[None]:
    return writing(_end().bind(consumer=consumer))


@cache
def _end() -> Template:
    return Template(delete(consumer_pauses).where(_PAUSES.consumer == given_text("consumer")))


def pauses(*, seen_after: datetime) -> Group[Sequence[ConsumerPause]]:
    return reading(_pauses().bind(seen_after=to_ms(seen_after)), to_pause)


@cache
def _pauses() -> Template:
    found = select(*_PAUSES).where(_PAUSES.seen_at > given_time("seen_after"))
    return Template(found.order_by(_PAUSES.since, _PAUSES.consumer))
