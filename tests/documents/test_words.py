"""The documents and docstrings lean on nothing outside the project, and every number they quote exists."""

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
PROGRAMS = [path for folder in ("src", "tests", "bench") for path in sorted((ROOT / folder).rglob("*.py"))]
HERE = Path(__file__)

FOREIGN = re.compile(r"\bSPEC\b|\bDESIGN\.md|\bPROMISES\b|\b[Ii]ssues? #?\d+|/work/|\b[Tt]he shop\b")
"""What only those know who built this: names of papers, numbers of tasks, folders of one machine, a nickname."""
NUMBERS = r"((?:\[?\d+\]?(?:\([^)]*\))?(?:, | and |, and | to |-)?)+)"
PROMISES = re.compile(rf"\b[Pp]romises? {NUMBERS}")
DECISION = re.compile(rf"\b[Dd]ecisions? {NUMBERS}")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def quoted(pattern: re.Pattern[str], paths: Iterable[Path]) -> dict[int, set[str]]:
    """Every number that is quoted so, with the files that do."""
    found: dict[int, set[str]] = {}
    for path in paths:
        for numbers in pattern.findall(text_of(path)):
            for number in re.findall(r"(?<![\w/-])\d+", re.sub(r"\([^)]*\)", "", numbers)):
                found.setdefault(int(number), set()).add(str(path.relative_to(ROOT)))
    return found


def promised() -> list[int]:
    return [int(number) for number in re.findall(r"^\| (\d+) \|", text_of(DOCS / "promises.md"), flags=re.MULTILINE)]


def decided() -> dict[int, Path]:
    return {int(path.name[:4]): path for path in sorted(DECISIONS.glob("[0-9]*.md"))}


def test_nothing_is_mentioned_that_is_not_in_the_project() -> None:
    sources = [path for path in PROGRAMS if path.is_relative_to(ROOT / "src")]
    found = {str(path.relative_to(ROOT)): FOREIGN.findall(text_of(path)) for path in [*PAGES, *sources]}

    assert {path: words for path, words in found.items() if words} == {}


def test_who_says_weisung_says_where_it_is() -> None:
    said = [page for page in PAGES if re.search(r"\bWeisung\b", text_of(page)) and page.name != "weisung.md"]

    assert [page.name for page in said if not re.search(r"\]\((?:docs/|\.\./)?weisung\.md", text_of(page))] == []


def test_promises_are_numbered_without_gaps_in_one_place() -> None:
    assert promised() == [*range(1, len(promised()) + 1)]
    assert len(promised()) == 32


def test_every_promise_that_is_quoted_exists() -> None:
    numbers = quoted(PROMISES, [*PAGES, *PROGRAMS, ROOT / "Makefile"])

    assert len(numbers) > 20
    assert {number: files for number, files in numbers.items() if number not in promised()} == {}


def test_the_page_of_promises_names_files_that_exist() -> None:
    names = re.findall(r"`([\w/]+\.py)`", text_of(DOCS / "promises.md"))
    there = [f"/{path.relative_to(ROOT)}" for path in PROGRAMS]

    assert names
    assert [name for name in names if not any(path.endswith(f"/{name}") for path in there)] == []


def test_every_decision_that_is_quoted_exists() -> None:
    numbers = quoted(DECISION, [*PAGES, *(path for path in PROGRAMS if path != HERE)])

    assert len(numbers) > 10
    assert {number: files for number, files in numbers.items() if number not in decided()} == {}


def test_the_index_of_decisions_has_each_of_them_by_its_title() -> None:
    rows = re.findall(
        r"^\| \[(\d+)\]\(([\w-]+\.md)\) \| (.+) \|$", text_of(DECISIONS / "README.md"), flags=re.MULTILINE
    )
    titles = [re.match(r"# (\d+)\. (.+)", text_of(path)) for path in decided().values()]

    assert [(int(number), name) for number, name, _ in rows] == [(n, path.name) for n, path in decided().items()]
    assert [(number, title) for number, _, title in rows] == [title.groups() for title in titles if title]
