"""Test size in `make test`, full size in `make reliability`: the same code."""

import os

FULL = os.environ.get("EDITQUEUE_TEST_SIZE") == "full"


def sized(small: int, full: int) -> int:
    return full if FULL else small
