"""How long a test waits for what must happen."""

from typing import Final

PATIENCE: Final = 100
"""Seconds. Far beyond what anything takes, so that a machine which stands still for half a minute fails nothing; below
pytest's own limit, so that what did not happen is named."""
