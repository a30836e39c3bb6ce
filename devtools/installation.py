"""`editqueue` as people run it: a process of its own, with a data dir of its own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from devtools.patience import PATIENCE
from editqueue.adapters.bucket.local.marker import mark
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore

OURS = ("EDITQUEUE_", "R2_", "CLOUDFLARE_", "JWT_", "ALLOWED_", "FEATURE_", "OTEL_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What --json printed: one document, and nothing went wrong."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    def complaint(self) -> str:
        """The one line of a command that failed well."""
        assert self.code != 0
        assert "Traceback" not in self.err
        [line] = self.err.splitlines()
        assert line.startswith("editqueue: ")
        return line


class Installation:
    """A data dir, and the commands on it."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, *, options: Sequence[str] = ()) -> None:
        """`options` are for Python itself."""
        self.folder = folder
        self.options = tuple(options)
        self.bucket = folder / "bucket"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.environment = clean | {"EDITQUEUE_DATA_DIR": str(folder), "COLUMNS": "200"} | dict(settings or {})

    def run(self, *words: str) -> Ended:
        done = subprocess.run(
            command(words, self.options),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(
        self, *words: str, stdout: int | IO[bytes] = subprocess.PIPE, stderr: int | IO[bytes] = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(words, self.options), env=self.environment, stdout=stdout, stderr=stderr, text=True
        )

    async def open_store(self) -> SqlStore:
        self.folder.mkdir(parents=True, exist_ok=True)
        mark(self.bucket)  # what a test stores need not have its objects there
        return await open_store(f"sqlite:///{self.folder}/editqueue.db", migrate=True)


def command(words: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    return [sys.executable, *options, "-m", "editqueue.entrypoints.cli", *words]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]
