"""`make measure-worker` where something is missing, and what it says of CPU seconds."""

import pytest

from devtools.cloudflare import measure
from devtools.npm import NotInstalled


def test_without_what_it_stands_on_it_ends_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(_make_snapshot: object) -> None:
        raise NotInstalled("npm ci failed")

    monkeypatch.setattr(measure, "installed_worker", cannot)

    with pytest.raises(SystemExit, match=r"^measure-worker: npm ci failed$"):
        measure.main()


def test_cpu_is_told_as_on_the_machine_of_the_bounds_beside_what_was_measured() -> None:
    assert measure.told("import_cpu_seconds", 3.0, empty=5.0) == {
        "measured": 3.0,
        "where_bounds_were_set": 1.5,
        "bound": 1.2,
    }
    assert measure.told("python_memory_mb", 65.0, empty=5.0) == {"measured": 65.0, "bound": 70}
    assert measure.told("upload_mb", 18.0, empty=5.0) == {"measured": 18.0}
