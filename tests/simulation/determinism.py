"""What Python would ask the machine for, asked of the world instead: the time, and random bytes."""

import gc
import os
import random
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import pytest

from devtools.seeds import NOON
from tests.simulation.life import CURRENT
from tests.simulation.loop import VirtualLoop

_BEGINNING: Final = NOON.timestamp()


@contextmanager
def decided_by_the_seed(loop: VirtualLoop) -> Generator[None]:
    """Ids come from the time and from what `secrets` draws; limits from the monotonic clock."""

    def random_bytes(size: int) -> bytes:
        life = CURRENT.get(None)
        return os.urandom(size) if life is None else life.ids.randbytes(size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random, "_urandom", random_bytes)  # all that SystemRandom, and with it secrets, knows
        patch.setattr(time, "monotonic", loop.time)
        patch.setattr(time, "time", lambda: _BEGINNING + loop.time())
        patch.setattr(time, "time_ns", lambda: int((_BEGINNING + loop.time()) * 1e9))
        gc.collect(1)  # of the world before
        gc.disable()  # what it finalizes, and when, no seed decides
        try:
            yield
        finally:
            gc.enable()
