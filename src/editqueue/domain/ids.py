"""Ids: time-ordered, so that indexes grow at one end and `ORDER BY id` is by age."""

import os
import secrets
import time
from datetime import datetime
from typing import Final
from uuid import UUID

LONGEST_HOST: Final = 40
"""Characters of a host's name that the name of a consumer has."""


def new_id() -> str:
    """A UUID version 7 (RFC 9562) as 36 lower-case characters."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds << 80) | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | (7 << 76)
    bits = bits & ~(0b11 << 62) | (0b10 << 62)
    return str(UUID(int=bits))


def first_id_of(moment: datetime) -> str:
    """No id that is made at `moment` or later comes before it, by a clock that is right."""
    milliseconds = f"{round(moment.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-000000000000"


def new_token() -> str:
    """A claim token: 128 random bits as 22 characters, never reused."""
    return secrets.token_urlsafe(16)


def new_consumer_name() -> str:
    """Host, process id and a random end: no other consumer ever has it."""
    return f"{os.uname().nodename[:LONGEST_HOST]}:{os.getpid()}:{secrets.token_hex(4)}"
