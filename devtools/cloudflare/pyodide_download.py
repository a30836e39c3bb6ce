"""workerd's own download of its Pyodide, where there is a network."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

PATIENCE: Final = 120
"""Seconds for 13 MB. Without a network workerd gives up at once."""
UNREACHED: Final = "Request for Pyodide bundle failed"
CONFIG: Final = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .empty)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const empty :Workerd.Worker = (
  modules = [(name = "worker.py", pythonModule = "pass")],
  compatibilityDate = "DATE",
  compatibilityFlags = [FLAGS],
);
"""
"""A Worker that cannot run, for it has no SDK; but before workerd sees that, it fetches the interpreter."""


def download_bundle(workerd: Path, folder: Path, *, date: str, flags: Sequence[str]) -> bool:
    """Let workerd put the bundle for this date and these flags into `folder`; False if it cannot reach it.

    Raises RuntimeError if it ends for another reason than these two.
    """
    listed = ", ".join(f'"{flag}"' for flag in flags)
    config = folder / "empty-worker.capnp"
    config.write_text(CONFIG.replace("DATE", date).replace("FLAGS", listed), encoding="utf-8")
    command = [workerd, "serve", config, "--experimental", f"--pyodide-bundle-disk-cache-dir={folder}"]
    said = ""
    with suppress(subprocess.TimeoutExpired):
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE).stderr
    config.unlink()
    if any(folder.glob("*.capnp.bin")):
        return True
    if said and UNREACHED not in said:
        raise RuntimeError(f"workerd fetched no Pyodide: {said[-1000:]}")
    return False
