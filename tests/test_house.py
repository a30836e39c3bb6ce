"""The house rules that no other tool holds."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [path for path in sorted((ROOT / "src").rglob("*.py")) if "migrations" not in path.parts]
LONGEST = 250


def test_no_source_file_is_longer_than_two_pages() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}

    assert len(lines) > 100
    assert {path: count for path, count in lines.items() if count > LONGEST} == {}
