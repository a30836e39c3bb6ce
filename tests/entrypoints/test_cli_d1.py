"""editqueue as a process on D1 over HTTP: what stops it, in one line."""

from pathlib import Path

import pytest

from devtools.installation import Installation

D1 = {
    "EDITQUEUE_DATABASE_URL": "d1://5a0b7c2e-9d1f-4c3a-8e6b-7f2d1c0a9b8e",
    "EDITQUEUE_QUEUE": "none",
    "CLOUDFLARE_ACCOUNT_ID": "023e105f4ecef8ad9ca31a8372d0c353",
    "CLOUDFLARE_API_TOKEN": "stand-in-token",
    "CLOUDFLARE_BASE_URL": "http://127.0.0.1:9/client/v4",
}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["migrate"], "wrangler d1 migrations apply"),
        (["status"], "cannot open d1://"),
        (["consume"], "cannot be reached"),
    ],
)
def test_one_line_says_what_to_do(tmp_path: Path, words: list[str], says: str) -> None:
    complaint = Installation(tmp_path / "data", D1).run(*words).complaint()

    assert says in complaint
    assert "stand-in-token" not in complaint
