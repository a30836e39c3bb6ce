"""`make audit` with the real pip-audit, and a stand-in of OSV's API: who was not asked is never said to be sound."""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devtools.audit import KNOWN, LOCKS, NOT_LOOKED_UP, audit, verdict
from devtools.installation import free_port

ROOT = Path(__file__).parents[2]
HOLE = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-0001"],
    "summary": "a hole",
    "affected": [
        {
            "package": {"name": "numpy", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.5.0"}]}],
        }
    ],
}
LOCK = """\
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:00
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:01
rich==15.0.0 \\
    --hash=sha256:02
"""


@contextmanager
def osv(holes: Mapping[tuple[str, str], object]) -> Generator[list[str]]:
    """Options of pip-audit for an API like OSV's that knows these, by name and version."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hole = holes.get((asked["package"]["name"], asked["version"]))
            body = json.dumps({"vulns": [hole]} if hole else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield at(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def at(port: int) -> list[str]:
    return ["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{port}/"]


@pytest.fixture(name="lock")
def _lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    path.write_text(LOCK)
    return path


def test_what_was_looked_up_and_is_sound_ends_with_0(lock: Path) -> None:
    with osv({}) as options:
        found = audit([lock], options)

    assert found.code == 0
    assert found.text == "3 of 3 locked versions looked up, 0 known vulnerabilities\n"


def test_a_known_one_is_named_with_the_version_that_mends_it_also_where_it_is_locked_for_another_python(
    lock: Path,
) -> None:
    with osv({("numpy", "2.4.6"): HOLE}) as options:
        found = audit([lock], options)

    assert found.code == KNOWN
    assert "numpy 2.4.6: PYSEC-2026-1, CVE-2026-0001; mended in 2.5.0\n" in found.text


def test_nobody_there_to_ask_is_not_a_good_answer(lock: Path) -> None:
    found = audit([lock], at(free_port()))

    assert found.code == NOT_LOOKED_UP
    assert "NOT LOOKED UP" in found.text
    assert "Connection refused" in found.text
    assert "make audit ARGS=" in found.text


def test_a_package_that_the_database_does_not_have_was_not_looked_up() -> None:
    skipped = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0.0)"}

    found = verdict([skipped, {"name": "numpy", "version": "2.5.5", "vulns": []}])

    assert found.code == NOT_LOOKED_UP
    assert found.text.startswith("1 of 2 locked versions looked up")
    assert "not found on PyPI" in found.text


def test_it_looks_at_every_lock_file_of_python() -> None:
    present = {
        str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.lock"), *ROOT.glob("deploy/**/*requirements*.lock")]
    }

    assert {path for path in present if "node_modules" not in path} == {*LOCKS}
