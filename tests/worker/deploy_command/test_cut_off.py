"""A run that is cut off after any step is begun anew and ends where an uncut one does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.cloudflare_account.server import Account, cloudflare_account
from tests.worker.deploy_command.conftest import Command, checkout, state
from tests.worker.deploy_command.deployed_worker import DeployedWorker

CHANGES = 22
"""Of one run on an empty account."""


class Killed(BaseException):
    """As SIGKILL: nothing of the command runs any more."""


@dataclass
class Knife:
    """Ends the run at its nth change, counted from 0."""

    account: Account
    at: int

    def before(self, _request: httpx.Request) -> None:
        self.seen = len(self.account.changes)

    def after(self, _answer: httpx.Response) -> None:
        """The change is made, and its answer is never read."""
        if self.seen <= self.at < len(self.account.changes):
            raise Killed

    def hooks(self) -> dict[str, list[Any]]:
        return {"request": [self.before], "response": [self.after]}


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    worker = DeployedWorker(Account())
    worker.account.besides = worker.routes()
    with cloudflare_account(worker.account) as account:
        Command(account, checkout(tmp_path_factory.mktemp("uncut"))).run()
        assert len(account.changes) == CHANGES, account.changes
        return state(account)


@pytest.mark.parametrize("step", range(CHANGES))
def test_a_run_cut_off_after_a_change_is_begun_anew_and_ends_as_an_uncut_one(
    step: int, command: Command, account: Account, uncut: dict[str, Any], tmp_path: Path
) -> None:
    command.hooks = Knife(account, step).hooks()
    with pytest.raises(Killed):
        command.run()
    assert len(account.changes) == step + 1
    command.hooks = {}

    command.run()

    assert state(account) == uncut
    assert command.check() == []
    assert not list(tmp_path.rglob("*.new"))
