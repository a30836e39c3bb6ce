"""The promise of the command line: whatever happens, one line and no traceback."""

import errno
import importlib
from collections.abc import Callable
from importlib import metadata

import pytest
from opentelemetry import propagate

from editqueue.domain.errors import SetupError
from editqueue.entrypoints import cli
from tests.entrypoints.in_process import run_here


def raising(error: BaseException) -> Callable[..., None]:
    def app(**_: object) -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (SetupError("two\nlines"), 1, "editqueue: two lines\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/data"), 1, "No space left on device: '/data'\n"),
        (KeyError("boom"), 1, "please report it\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, told: str
) -> None:
    monkeypatch.setattr(cli, "app", raising(error))

    with pytest.raises(SystemExit) as ended:
        cli.main()

    written = capsys.readouterr().err
    assert ended.value.code == code
    assert written.endswith(told)
    assert written.count("\n") == bool(told)


def test_an_unexpected_error_says_what_and_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "app", raising(KeyError("boom")))

    with pytest.raises(SystemExit):
        cli.main()

    assert "unexpected KeyError at test_cli_failing.py:" in capsys.readouterr().err


def test_a_propagator_that_is_not_installed_is_said_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app(**_: object) -> None:
        importlib.reload(propagate)

    monkeypatch.setenv("OTEL_PROPAGATORS", "b3")
    monkeypatch.setattr(cli, "app", app)

    with pytest.raises(SystemExit):
        cli.main()

    assert capsys.readouterr().err.startswith("editqueue: OTEL_PROPAGATORS: Propagator b3 not found")


def test_no_arguments_are_answered_by_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["editqueue"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    told = capsys.readouterr()
    assert ended.value.code == 2
    assert "doctor" in told.out
    assert told.err == ""


def test_the_version_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = run_here(monkeypatch, capsys, "--version", {"EDITQUEUE_QUEUE": "wrong settings are no reason"})

    assert (ended.code, ended.out, ended.err) == (0, f"editqueue {metadata.version('editqueue')}\n", "")
