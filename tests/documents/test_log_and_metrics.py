"""docs/log_and_metrics.md knows every line of the log and every metric there is."""

import re
from pathlib import Path

from editqueue.adapters.journal.metrics import Metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "log_and_metrics.md").read_text(encoding="utf-8")
SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.py"))]


def found(pattern: str) -> set[str]:
    return {one for text in SOURCES for one in re.findall(pattern, text)}


def test_every_warning_is_explained() -> None:
    events = found(r"\.warning\(\s*\"(\w+)\"")

    assert {"message_not_ours", "placeholder_preview"} <= events
    assert {event for event in events if f"| `{event}` |" not in PAGE} == set()


def test_no_warning_is_explained_that_does_not_exist() -> None:
    [table] = re.findall(r"## What the log says\n(.*?)\nCauses: ", PAGE, flags=re.DOTALL)
    events = {*re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)}

    assert events - found(r"\.(?:warning|info|error)\(\s*\"(\w+)\"") - found(r"\"event\": \"(\w+)\"") == set()


def test_every_cause_of_a_transition_is_explained() -> None:
    causes = found(r"cause=\"([a-z_ ]+)\"") | {"finish", "fail", "retry", "hand_back"}

    assert {cause for cause in causes if f"`{cause}`" not in PAGE} == set()


def test_every_error_of_processing_and_services_is_explained() -> None:
    errors = (ROOT / "src" / "editqueue" / "domain" / "errors.py").read_text(encoding="utf-8")
    processing = errors[errors.index("class ProcessingError") :]
    codes = {*re.findall(r"    code = \"(\w+)\"", processing)} | {"queue_refused"}

    assert {code for code in codes if f"`{code}`" not in PAGE} == set()


def test_every_metric_is_explained() -> None:
    names = {family.name for family in Metrics().registry.collect()}

    assert names
    assert {name for name in names if f"`{name}" not in PAGE} == set()
