"""docs/guide.md, the first hour: what it says to type is typed, and what comes is what it says.

Steps 9 and 10 are about a server with systemd behind a proxy and are not run here: docs/install.md says how the ninth
was tried.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from devtools.installation import free_port
from tests.documents.shell import ROOT, Block, blocks_of, differences, run_in_bash

GUIDE = ROOT / "docs" / "guide.md"
END = "<<< end of block >>>"
# What `make` does but for the installing, with smaller photos; see test_make_does_what_stands_in_for_it.
MAKE = """
make() {
  case "$1" in
    run)
      python -m tests.documents.small_demo demo --port 8787 > run.log 2> run.err &
      RUN=$!
      until grep -qs "^Serving" run.log || ! kill -0 $RUN; do sleep 0.1; done
      cat run.log ;;
    run-distributed) python -m devtools.distributed ${2#ARGS=} --port 8787 2> distributed.err ;;
  esac
}
"""
CTRL_C = "# Ctrl-C in the first terminal\n"


def steps(first: int, last: int) -> Iterator[tuple[Block, Block | None]]:
    """The commands of these steps, each with what the guide says comes."""
    sections = re.split(r"^## (\d+)\. ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for number, text in zip(sections[::2], sections[1::2], strict=True):
        if first <= int(number) <= last:
            found = [block for block in blocks_of(text) if block.language in {"bash", "text"}]
            for block, following in pairwise([*found, Block(language="", text="")]):
                if block.language == "bash":
                    yield block, following if following.language == "text" else None


def typed(first: int, last: int, folder: Path, *, before: str = "") -> None:
    """Fails with both texts where what comes is not what the guide says."""
    (folder / "docs").symlink_to(ROOT / "docs")
    pairs = [*steps(first, last)]
    assert pairs
    script = MAKE + before
    for commands, _ in pairs:
        script += commands.text.replace(CTRL_C, "kill $RUN; wait $RUN\n") + f"echo '{END}'\n"
    ports = {"8787": str(free_port()), "8788": str(free_port())}
    for said, free in ports.items():
        script = script.replace(said, free)
    came = run_in_bash(script, {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}, folder=folder)
    for said, free in ports.items():
        came = came.replace(f":{free}", f":{said}")
    outputs = came.split(f"{END}\n")[:-1]
    assert len(outputs) == len(pairs), came
    wrong = [
        f"{commands.text}\n{found}"
        for (commands, said), output in zip(pairs, outputs, strict=True)
        if said is not None and (found := differences(said.text.splitlines(), output.splitlines()))
    ]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.timeout(300)
def test_the_first_seven_steps_show_what_the_guide_shows(tmp_path: Path) -> None:
    typed(1, 7, tmp_path)


@pytest.mark.timeout(300)
def test_the_step_to_postgresql_and_s3_shows_what_the_guide_shows(tmp_path: Path) -> None:
    photo = "mkdir photos; touch photos/torn.jpg photos/text.jpg; "
    photo += "editqueue preview docs/screenshots/large-1440.webp photos/kueche.jpg > preview.log\n"

    typed(8, 8, tmp_path, before=photo)


def test_make_does_what_stands_in_for_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = dict(re.findall(r"^(run|run-distributed):.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE))

    assert recipes["run"].strip().endswith("/editqueue demo")
    assert recipes["run-distributed"].strip().endswith("/python -m devtools.distributed $(ARGS)")


def test_the_guide_has_ten_steps() -> None:
    numbers = re.findall(r"^## (\d+)\. ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert numbers == [str(number) for number in range(1, 11)]
