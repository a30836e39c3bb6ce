"""`make measure-worker` where something is missing."""

import os
import subprocess
import sys
from pathlib import Path

from devtools.cloudflare import measure
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


def test_cpu_is_told_as_on_the_machine_of_the_bounds_beside_what_was_measured() -> None:
    assert measure.told("import_cpu_seconds", 3.0, empty=5.0) == {
        "measured": 3.0,
        "where_bounds_were_set": 1.5,
        "bound": 1.2,
    }
    assert measure.told("python_memory_mb", 65.0, empty=5.0) == {"measured": 65.0, "bound": 70}
    assert measure.told("upload_mb", 18.0, empty=5.0) == {"measured": 18.0}
