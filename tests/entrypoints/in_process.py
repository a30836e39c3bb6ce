"""The command line without the price of a new process: for what ends before anything runs."""

import os
import sys
from collections.abc import Mapping

import pytest

from devtools.installation import OURS, Ended
from editqueue.entrypoints import cli


def run_here(
    patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str], words: str, settings: Mapping[str, str]
) -> Ended:
    """`editqueue WORDS` under `settings` and no others of ours."""
    with patch.context() as here:
        _set_all(here, settings)
        here.setattr(sys, "argv", ["editqueue", *words.split()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    told = output.readouterr()
    assert "Traceback" not in told.err, told.err
    return Ended(code=int(ended.value.code or 0), out=told.out, err=told.err)


def _set_all(patch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> None:
    for name in [one for one in os.environ if one.startswith(OURS)]:
        patch.delenv(name)
    for name, value in settings.items():
        patch.setenv(name, value)
