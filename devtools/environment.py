"""Settings for the length of a block."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from devtools.installation import OURS


@contextmanager
def environment(settings: Mapping[str, str]) -> Generator[None]:
    """The environment of this process with `settings`, and none of ours that were there before."""
    before = dict(os.environ)
    for name in [one for one in os.environ if one.startswith(OURS)]:
        del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
