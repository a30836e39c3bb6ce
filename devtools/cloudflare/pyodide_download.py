"""workerd's own download of its Pyodide, where there is a network."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from select import select
from typing import Final

PATIENCE: Final = 120
"""Seconds for 13 MB. Without a network workerd gives up at once."""
EMPTY_WORKER: Final = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .empty)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const empty :Workerd.Worker = (
  modules = [(name = "worker.py", pythonModule = "
from workers import WorkerEntrypoint

class Default(WorkerEntrypoint):
    pass
")],
  compatibilityDate = "DATE",
  compatibilityFlags = [FLAGS],
);
"""


def download_bundle(workerd: Path, folder: Path, *, date: str, flags: Sequence[str]) -> bool:
    """Let workerd put the bundle for this date and these flags into `folder`; False if it cannot reach it.

    It says that it listens by its first line, and ends without a word if it cannot start.
    """
    listed = ", ".join(f'"{flag}"' for flag in flags)
    config = folder / "empty-worker.capnp"
    config.write_text(EMPTY_WORKER.replace("DATE", date).replace("FLAGS", listed), encoding="utf-8")
    command = [workerd, "serve", config, "--experimental", "--control-fd=1"]
    options = [f"--pyodide-bundle-disk-cache-dir={folder}"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        assert worker.stdout is not None
        listens = bool(select([worker.stdout], [], [], PATIENCE)[0] and worker.stdout.readline())
        worker.kill()
    config.unlink()
    return listens
