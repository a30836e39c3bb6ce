"""docs/settings.md says what the settings say of themselves."""

from pathlib import Path

from devtools.settings_page import settings_page
from editqueue.settings.wording import FIELDS

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "make settings-page"


def test_every_setting_has_one_line_with_a_meaning() -> None:
    rows = [line.strip("| ").split(" | ") for line in settings_page().splitlines() if line.startswith("| `")]

    assert [row[0] for row in rows] == [f"`{name}`" for name in FIELDS]
    assert all(len(row) == 4 and all(row) for row in rows)
    assert {row[2] for row in rows if row[0] == "`EDITQUEUE_CONCURRENCY`"} == {"`1`"}
    assert {row[1] for row in rows if row[0] == "`EDITQUEUE_SWEEP_BATCH`"} == {"a whole number from 1 to 1000"}
