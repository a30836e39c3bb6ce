"""The commands of a document, run in bash, and what comes held against what the document says."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.installation import OURS

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds for all commands of a document."""
ANYTHING, ANY_LINES = "…", "..."
"""How a document writes what differs each time: within a line, and as a line of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    language: str
    text: str


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page or a part of it, in their order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [Block(language=language, text=text) for language, text in found]


def run_in_bash(script: str, settings: Mapping[str, str], *, folder: Path = ROOT) -> str:
    """What `script` prints, errors too, in `folder` under `settings` and no others of ours.

    Processes that the script leaves running are ended."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    here = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=clean | {"PATH": here, "COLUMNS": "100"} | dict(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as bash:
        try:
            return bash.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired as late:
            came = late.output.decode() if isinstance(late.output, bytes) else late.output
            raise AssertionError(f"the commands did not end within {PATIENCE} s; so far came:\n{came}") from late
        finally:
            _end_group(bash.pid)


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, 9)
    except ProcessLookupError:
        return


def differences(said: Sequence[str], came: Sequence[str]) -> str:
    """Empty if all lines that came are those that the document has, else both, with the first line that is not."""
    pattern = "".join(
        "(?:.*\n)*?" if line.strip() == ANY_LINES else re.escape(_plain(line)).replace(ANYTHING, ".*?") + "\n"
        for line in said
    )
    lines = [_plain(line) for line in came]
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)):
        return ""
    return "\n".join(
        ["the document says:", *(f"  {line}" for line in said), "what came:", *(f"  {line}" for line in lines)]
    )


def _plain(line: str) -> str:
    """Without the widths of columns and tables, which follow from their contents."""
    return re.sub(r"[━─═]+", "━", re.sub(r" +", " ", line)).rstrip()
