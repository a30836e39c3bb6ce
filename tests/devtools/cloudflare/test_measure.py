"""`make measure-worker` where something is missing."""

import os
import subprocess
import sys
from pathlib import Path

from devtools.cloudflare.installation import ROOT


def test_without_node_it_ends_with_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    environment.pop("CI", None)

    ended = subprocess.run(
        [sys.executable, "-m", "devtools.cloudflare.measure"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "measure-worker: Node and npm are not installed; on Debian: apt-get install nodejs npm\n"
