"""workerd with nothing but the Worker, to measure it without the simulators that miniflare puts beside it."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

CONFIG: Final = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [MODULES],
  compatibilityDate = DATE,
  compatibilityFlags = FLAGS,
  bindings = [BINDINGS],
);
"""
EMPTY_MAIN: Final = """
from workers import Response, WorkerEntrypoint

class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response("nothing")
"""
"""The least Worker there is: the interpreter, and the SDK that every Worker imports."""
PATIENCE: Final = 240
"""Seconds for a start or an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """CPU seconds of the thread that runs Python."""

    start: float
    """From the start of the process until it listens."""
    first_request: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BareWorker:
    """A Worker that is ready to be started any number of times."""

    workerd: Path
    options: Sequence[str]
    """Of workerd, where it finds its Pyodide for example."""
    config: Path

    def cost(self, *more: str, path: str = "/healthz") -> Cost:
        """Start it with `more` options, ask it once for `path`, end it. Raises RuntimeError if it does not start."""
        reads, writes = os.pipe()
        command = [self.workerd, "serve", self.config, "--experimental", f"--control-fd={writes}"]
        with subprocess.Popen(
            [*command, *self.options, *more], pass_fds=[writes], stderr=subprocess.PIPE, text=True
        ) as started:
            os.close(writes)
            with os.fdopen(reads) as control:
                listens = control.readline()
            if not listens:
                raise RuntimeError(f"workerd did not start:\n{started.communicate()[1][-3000:]}")
            try:
                start = thread_cpu(started.pid)
                answer = httpx.get(f"http://127.0.0.1:{json.loads(listens)['port']}{path}", timeout=PATIENCE)
                answer.raise_for_status()
                return Cost(start=start, first_request=thread_cpu(started.pid) - start)
            finally:
                started.kill()


def thread_cpu(pid: int) -> float:
    """CPU seconds of a process's first thread so far; workerd runs all Workers in it. Linux only."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare_worker(
    folder: Path,
    *,
    workerd: Path,
    options: Sequence[str],
    worker: Path,
    main: str,
    wrangler: Mapping[str, Any],
    flags: Sequence[str],
    settings: Mapping[str, str],
) -> BareWorker:
    """Write a configuration into `folder`: `main` as the main module, and all packages in the folder `worker`.

    The bindings are there by name only, which is enough for a request that uses none.
    """
    (folder / "worker.py").write_text(main, encoding="utf-8")
    (folder / "python_modules").symlink_to(worker / "python_modules")
    packages = sorted(path for path in (worker / "python_modules").rglob("*") if path.is_file())
    modules = ['(name = "worker.py", pythonModule = embed "worker.py")']
    modules += [f"(name = {name}, data = embed {name})" for name in (_quoted(path, worker) for path in packages)]
    names = {**dict.fromkeys(("DB", "BUCKET", "QUEUE", "IMAGES"), ""), **settings}
    bindings = [f"(name = {json.dumps(name)}, text = {json.dumps(text)})" for name, text in names.items()]
    config = CONFIG.replace("DATE", json.dumps(wrangler["compatibility_date"]))
    config = config.replace("FLAGS", json.dumps([*wrangler["compatibility_flags"], *flags]))
    config = config.replace("BINDINGS", ",\n".join(bindings)).replace("MODULES", ",\n".join(modules))
    (folder / "config.capnp").write_text(config, encoding="utf-8")
    return BareWorker(workerd=workerd, options=options, config=folder / "config.capnp")


def _quoted(path: Path, worker: Path) -> str:
    return json.dumps(str(path.relative_to(worker)))
