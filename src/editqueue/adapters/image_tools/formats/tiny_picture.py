"""The smallest picture there is, to ask whether pictures can be made at all."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Final

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.ports.bucket import Waiting

TINY_PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
"""One grey pixel."""


class TinyPicture:
    """`ByteSources` that know nothing else and wait for nothing."""

    longest = timedelta(0)

    def open(self, key: str, *, waiting: Waiting = nullcontext) -> BytesSource:  # noqa: ARG002  # the port's
        return BytesSource(TINY_PNG)
