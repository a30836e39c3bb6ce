"""README's walk through the API does what it says, pasted as it stands."""

import re
from pathlib import Path

import pytest

from devtools.installation import free_port
from tests.documents.shell import ROOT, blocks_of, differences, run_in_bash

README = ROOT / "README.md"
TWO_SCREENS = 110
"""Lines, the page in its text form; the picture and the diagram count as theirs."""


def walk() -> str:
    [block] = [block for block in blocks_of(README.read_text(encoding="utf-8")) if block.language == "bash"]
    return block.text


def test_readme_is_two_screens() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= TWO_SCREENS


@pytest.mark.timeout(300)
def test_what_readme_calls_answers_as_it_says(tmp_path: Path) -> None:
    port = str(free_port())
    said = [line.removeprefix("# ") for line in walk().splitlines() if line.startswith("# ")]
    settings = {"EDITQUEUE_DATA_DIR": str(tmp_path / "data"), "TMPDIR": str(tmp_path)}

    came = run_in_bash(walk().replace("8787", port) + "\nwait $SERVER\n", settings)

    assert len(said) > 5
    lines = came.replace(f":{port}/", ":8787/").splitlines()
    assert not (found := differences(said, lines)), f"{found}\n{(tmp_path / 'data').exists()}"


def test_readme_takes_ports_and_folders_from_variables_alone() -> None:
    assert len(re.findall("8787", "\n".join(line for line in walk().splitlines() if line[:1] != "#"))) == 1
