"""Every command that the documents name exists, and every one that exists is on docs/commands.md."""

import re
from pathlib import Path

import typer

from editqueue.entrypoints.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGET = re.compile(r"(?:`|^ *|&& )make ([a-z0-9-]+)", flags=re.MULTILINE)


def commands() -> set[str]:
    """As one types them, groups with each of their own."""
    group = typer.main.get_command(app)
    found: set[str] = set()
    for name, command in getattr(group, "commands", {}).items():
        below = getattr(command, "commands", None)
        found |= {name} if below is None else {f"{name} {one}" for one in below}
    return found


def test_the_page_of_commands_has_all_of_them() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `editqueue ([^`]+)` \|", page, flags=re.MULTILINE)

    assert [name for name in sorted(commands()) if not any(f"{row} ".startswith(f"{name} ") for row in rows)] == []
    assert [row for row in rows if not any(f"{row} ".startswith(f"{name} ") for name in commands())] == []


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {*re.findall(r"^([a-z0-9-]+):", makefile, flags=re.MULTILINE)}
    named = {name for page in PAGES for name in TARGET.findall(page.read_text(encoding="utf-8"))}

    assert named
    assert {name for name in named - targets if not name.startswith("bench-")} == set()
