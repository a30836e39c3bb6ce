"""The documents hang together: every link leads somewhere, and no page is longer than one can search."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md")),
    *sorted(DOCS.rglob("*.md")),
]
GENERATED = {"performance.md", "scale.md", "settings.md"}
LONGEST = 200

FENCED = re.compile(r"^ *```.*?^ *```$", flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", flags=re.MULTILINE)


def prose(page: Path) -> str:
    """What is read as Markdown: without the blocks of code, whose # and ]( mean something else."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them: lower case, without punctuation, a hyphen for each space, numbered where they repeat."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(prose(page)):
        words = re.sub(r"\]\([^)]*\)", "]", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = found.setdefault(anchor, 0)
        found[anchor] += 1
        if count:
            found[f"{anchor}-{count}"] = 1
    return {*found}


def links(page: Path) -> Iterator[str]:
    return (target for target in LINK.findall(prose(page)) if not target.startswith(("http://", "https://")))


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_of_the_project(page: Path) -> None:
    targets = {target: (page.parent / target.partition("#")[0]).resolve() for target in links(page)}
    outside = {target for target, path in targets.items() if target[0] != "#" and ROOT not in (path, *path.parents)}

    assert outside == set()
    assert {path for path in targets.values() if not path.exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_anchor_is_a_heading_of_its_page(page: Path) -> None:
    lost: set[str] = set()
    for target in links(page):
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if anchor and path.suffix == ".md" and path.exists() and anchor not in anchors(path):
            lost.add(target)

    assert lost == set()


def test_no_page_is_longer_than_200_lines() -> None:
    written = [page for page in DOCS.rglob("*.md") if page.name not in GENERATED]
    lines = {named(page): len(page.read_text(encoding="utf-8").splitlines()) for page in written}

    assert lines
    assert {page: count for page, count in lines.items() if count > LONGEST} == {}


def test_every_page_can_be_reached_from_the_readme() -> None:
    found: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in found or page.suffix != ".md" or not page.exists():
            continue
        found.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in links(page) if target[0] != "#"]

    assert {named(page) for page in {*DOCS.rglob("*.md")} - found} == set()
