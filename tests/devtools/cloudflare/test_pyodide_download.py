"""workerd is asked for its own interpreter; what it says without one is told from what is wrong with the question."""

from pathlib import Path

import pytest

from devtools.cloudflare.installation import HERE, node
from devtools.cloudflare.pyodide_bundle import BUNDLE, FLAGS_OF_A_MADE_BUNDLE, write_bundle
from devtools.cloudflare.pyodide_download import download_bundle

DATE, FLAGS = "2026-09-08", ("python_workers",)


@pytest.fixture(name="workerd")
def _workerd() -> Path:
    node()
    return HERE / "node_modules" / ".bin" / "workerd"


def test_workerd_takes_the_question_and_goes_on_to_the_bundle_that_is_there(workerd: Path, tmp_path: Path) -> None:
    write_bundle(HERE / "node_modules" / "pyodide", tmp_path)

    assert download_bundle(workerd, tmp_path, date=DATE, flags=[*FLAGS, *FLAGS_OF_A_MADE_BUNDLE])

    assert [path.name for path in tmp_path.iterdir()] == [BUNDLE]


def test_without_a_network_there_is_none_and_with_one_there_is(workerd: Path, tmp_path: Path) -> None:
    there = download_bundle(workerd, tmp_path, date=DATE, flags=FLAGS)

    assert len(list(tmp_path.iterdir())) == int(there)


def test_a_question_that_workerd_does_not_understand_is_no_lack_of_a_network(workerd: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="workerd fetched no Pyodide"):
        download_bundle(workerd, tmp_path, date='"', flags=FLAGS)
