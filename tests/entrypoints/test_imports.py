"""A command imports what it needs: the rest costs seconds on a slow machine."""

import subprocess
import sys

import pytest

HEAVY = {
    "alembic",
    "av",
    "cloudflare",
    "fastapi",
    "httpx",
    "obstore",
    "opentelemetry",
    "psycopg",
    "pyvips",
    "rich",
    "sqlalchemy",
    "uvicorn",
}
BY_MODULE = {
    "editqueue.entrypoints.cli": set[str](),
    "editqueue.entrypoints.commands.tokens": set[str](),
    "editqueue.entrypoints.commands.administration": {"sqlalchemy", "rich"},
    "editqueue.entrypoints.commands.consuming": {"sqlalchemy", "rich", "obstore"},
}
"""Of those, what may be there; structlog brings rich."""


@pytest.mark.parametrize("module", BY_MODULE)
def test_a_command_imports_only_what_it_needs(module: str) -> None:
    program = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert set(said.split()) & HEAVY <= BY_MODULE[module]
