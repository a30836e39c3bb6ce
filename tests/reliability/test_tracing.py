"""The tracer behind promise 22: it sees what a program does to files, and stands in nobody's way."""

import subprocess
import sys
from pathlib import Path, PurePosixPath

from devtools.patience import PATIENCE
from tests.reliability.recording import changes_in, recorded

PROGRAM = """
import os, subprocess, sys, threading
def write(name):
    with open(name, "wb", buffering=0) as file:
        file.write(b"two words")
        os.fsync(file.fileno())
thread = threading.Thread(target=write, args=("by a thread",))
thread.start()
thread.join()
subprocess.run([sys.executable, "-c", "import os; os.rename('by a thread', 'by a child')"])
os.unlink("by a child")
sys.stdout.write("said")
sys.exit(7)
"""


def test_files_written_by_threads_and_moved_by_children_are_told_and_the_program_ends_as_without_it(
    tmp_path: Path,
) -> None:
    folder, record = tmp_path / "folder", tmp_path / "record"
    folder.mkdir()

    ended = subprocess.run(
        recorded([sys.executable, "-c", PROGRAM], record), cwd=folder, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "said", "")
    told = [(change.call, change.path.name, change.data) for change in changes_in(record, below=PurePosixPath(folder))]
    assert told == [
        ("make", "by a thread", b""),
        ("truncate", "by a thread", b""),
        ("write", "by a thread", b"two words"),
        ("sync begins", "by a thread", b""),
        ("sync ends", "by a thread", b""),
        ("rename", "by a thread", b""),
        ("unlink", "by a child", b""),
    ]


def test_a_program_that_a_signal_ends_is_ended_by_it(tmp_path: Path) -> None:
    program = "import os, time\nif os.fork(): time.sleep(60)\nelse: os.kill(os.getppid(), 15)"

    ended = subprocess.run(
        recorded([sys.executable, "-c", program], tmp_path / "record"), timeout=PATIENCE, check=False
    )

    assert ended.returncode == 128 + 15
