"""Sizes of the benches: EDITQUEUE_BENCH_NAME in the environment, else what lets each end within ten minutes."""

import os


def size(name: str, default: int) -> int:
    return int(os.environ.get(f"EDITQUEUE_BENCH_{name}", default))
