"""Bytes that are no UTF-8: one line that names the option and says what to do, as for any other mistake."""

from pathlib import Path

import pytest

from tests.entrypoints.in_process import run_here


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("order create --user-id anna --title \udcff", "--title"),
        ("order create --user-id an\udcffna", "--user-id"),
        ("token --user-id \udcff", "--user-id"),
        ("jobs list --order-id \udcff", "--order-id"),
        ("jobs show \udcff", "job_id"),
        ("jobs retry \udcff", "job_id"),
        ("serve --host \udcff", "--host"),
    ],
)
def test_odd_bytes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, name: str
) -> None:
    complaint = run_here(monkeypatch, capsys, words, {"EDITQUEUE_DATA_DIR": str(tmp_path / "data")}).complaint()

    assert name in complaint
    assert "UTF-8" in complaint
    assert "report it" not in complaint
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", ["token --user-id", "order create --user-id"])
@pytest.mark.parametrize(
    ("user_id", "said"),
    [("a" * 129, "1 to 128 printable characters"), ("家" * 27, "at most 240 fit")],
    ids=["long", "wide"],
)
def test_a_user_id_that_nobody_can_upload_with_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    user_id: str,
    said: str,
) -> None:
    ended = run_here(monkeypatch, capsys, f"{words} {user_id}", {"EDITQUEUE_DATA_DIR": str(tmp_path / "data")})

    assert said in ended.complaint()
