"""What a run of the promises came to: kills, jobs, violations, seconds, per promise and database.

A pytest plugin: `-p tests.reliability.report` prints the table, writes it as JSON and fails a full run with too few
kills. Tests tell it what they did through the fixture `tally`.
"""

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.reliability.size import FULL

FOLDER = Path(__file__).parents[2] / "reliability-report"
LEAST_KILLS = 1000
"""Of a full run, over all promises."""
_KEY = "tally"
_HEAD = "promise                      database     tests  kills    jobs  faults violations       s"


@dataclass
class Tally:
    """What one test did."""

    kills: int = 0
    jobs: int = 0
    faults: int = 0
    """Answers that the proxies spoiled."""


@dataclass
class Line(Tally):
    promise: str = ""
    database: str = ""
    tests: int = 0
    violations: int = 0
    seconds: float = 0


def begin_tally(request: pytest.FixtureRequest) -> Tally:
    tally = Tally()
    request.node.user_properties.append((_KEY, tally.__dict__))
    return tally


class Report:
    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], Line] = {}
        self.skipped: list[str] = []
        self.started = time.time()

    def add(self, report: pytest.TestReport) -> None:
        name, database = promise_of(report.nodeid), database_of(report.nodeid)
        line = self.lines.setdefault((name, database), Line(promise=name, database=database))
        line.seconds += report.duration
        line.violations += report.failed
        if report.skipped:
            self.skipped.append(report.nodeid)
        line.tests += report.when == "call"
        if report.when == "teardown":  # by then, what it did is counted
            for done in [cast("dict[str, int]", value) for key, value in report.user_properties if key == _KEY]:
                line.kills += done["kills"]
                line.jobs += done["jobs"]
                line.faults += done["faults"]

    def total(self) -> Line:
        total = Line(promise="all", database="both")
        for one in self.lines.values():
            for name in ("kills", "jobs", "faults", "tests", "violations", "seconds"):
                setattr(total, name, getattr(total, name) + getattr(one, name))
        return total

    def sorted(self) -> list[Line]:
        return [self.lines[key] for key in sorted(self.lines)]

    def document(self) -> dict[str, Any]:
        return {
            "size": "full" if FULL else "test",
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started)),
            "wall_seconds": round(time.time() - self.started, 1),
            "load_average": os.getloadavg(),
            "skipped": self.skipped,
            "total": asdict(self.total()),
            "lines": [asdict(one) for one in self.sorted()],
        }


def promise_of(nodeid: str) -> str:
    """`01 crash` of a test in test_promise_01_crash.py; `mutants` of one in test_mutants.py."""
    name = Path(nodeid.partition("::")[0]).stem
    found = re.fullmatch(r"test_promise_(\d+)_(\w+)", name)
    return f"{found[1]} {found[2]}" if found else name.removeprefix("test_")


def database_of(nodeid: str) -> str:
    return next((kind for kind in ("sqlite", "postgresql") if kind in nodeid), "-")


REPORT = Report()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    REPORT.add(report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "report.json").write_text(json.dumps(REPORT.document(), indent=2) + "\n", encoding="utf-8")
    if session.exitstatus == 0 and _falls_short():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _falls_short() -> bool:
    return FULL and (REPORT.total().kills < LEAST_KILLS or bool(REPORT.skipped))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    write = terminalreporter.write_line
    terminalreporter.section("promises")
    write(_HEAD)
    for one in [*REPORT.sorted(), REPORT.total()]:
        write(_row(one))
    wall = time.time() - REPORT.started
    write(f"{wall:.0f} s on the clock, load {os.getloadavg()[0]:.1f}; as JSON in {FOLDER.name}/report.json")
    if _falls_short():
        write(
            f"too little: {REPORT.total().kills} kills of {LEAST_KILLS}, {len(REPORT.skipped)} tests skipped", red=True
        )


def _row(one: Line) -> str:
    return (
        f"{one.promise:28} {one.database:11} {one.tests:6} {one.kills:6} {one.jobs:7} {one.faults:7} "
        f"{one.violations:10} {one.seconds:7.1f}"
    )
