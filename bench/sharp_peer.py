"""sharp, the Node library on the same libvips, in a process of its own."""

import json
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import NODE, install_peers


class Sharp:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def preview(self, path: Path, out: Path | None = None) -> float:
        """CPU milliseconds for one preview; reading the file is not counted."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"path": str(path), "out": str(out) if out else None}) + "\n")
        self._process.stdin.flush()
        return float(json.loads(self._process.stdout.readline())["cpu_ms"])


@contextmanager
def sharp_peer() -> Generator[Sharp]:
    install_peers()
    with subprocess.Popen(
        ["node", "sharp.mjs"], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Sharp(process)
        assert process.stdin is not None
        process.stdin.close()
