"""Ids: time-ordered, so that indexes grow at one end and `ORDER BY id` is by age."""

import secrets
import time
from uuid import UUID


def new_id() -> str:
    """A UUID version 7 (RFC 9562) as 36 lower-case characters."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds << 80) | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | (7 << 76)
    bits = bits & ~(0b11 << 62) | (0b10 << 62)
    return str(UUID(int=bits))


def new_token() -> str:
    """A claim token: 128 random bits, never reused."""
    return secrets.token_hex(16)
