"""A stand-in account, a checkout of its own, and the command on both, in this process and without Node."""

import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.cloudflare.rollout import run as ways
from deploy.cloudflare.rollout.command import open_deployment
from deploy.cloudflare.rollout.deployment import Deployment
from deploy.cloudflare.rollout.project import Project
from deploy.cloudflare.rollout.record import Choices
from devtools.cloudflare.installation import ROOT
from devtools.cloudflare_account.server import TOKEN, Account, cloudflare_account
from devtools.cloudflare_account.wrangler import CallsOfWrangler
from tests.worker.deploy_command.deployed_worker import DeployedWorker

TLS = httpx.create_ssl_context()
"""Made once: it takes a tenth of a second, and nothing here uses it."""
Hook = Callable[[Any], None]


def checkout(folder: Path) -> Project:
    """What the command needs of one: its own copy of what is committed beside the Worker, and the rest as it is."""
    made = shutil.ignore_patterns("build", "*_modules", ".*", "wrangler.*.json", "__pycache__")
    shutil.copytree(ROOT / "deploy" / "cloudflare", folder / "deploy" / "cloudflare", ignore=made)
    kept = Path("deploy", "cloudflare", ".packages")
    (ROOT / kept).mkdir(exist_ok=True)
    for name in ("src", "devtools", kept):
        (folder / name).symlink_to(ROOT / name)
    return Project(root=folder, name="editqueue")


@dataclass
class Command:
    """Each call is one run of the command."""

    account: Account
    project: Project
    environment: dict[str, str] = field(default_factory=dict[str, str])
    said: list[str] = field(default_factory=list[str])
    """Lines of the last run."""
    hooks: Mapping[str, list[Hook]] = field(default_factory=dict[str, list[Hook]])
    """Of httpx: called with each request to the API, and each answer."""

    def run(self, **choices: Any) -> list[str]:
        with self.opened(**choices) as deployment:
            ways.run(deployment)
        return self.said

    def remove_trial(self) -> list[str]:
        with self.opened() as deployment:
            ways.remove_trial(deployment)
        return self.said

    def plan(self, **choices: Any) -> list[str]:
        with self.opened(**choices) as deployment:
            ways.plan(deployment)
        return self.said

    def check(self, **choices: Any) -> list[str]:
        """The differences."""
        with self.opened(**choices) as deployment:
            same = ways.check(deployment)
        return [] if same else self.said

    @contextmanager
    def opened(self, **choices: Any) -> Generator[Deployment]:
        self.said = []
        seconds = count(step=20)
        given = Choices(**{"url": self.account.origin, **choices})
        environment = {**self.account.environment, **self.environment}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            httpx.Client(headers=headers, event_hooks=dict(self.hooks), verify=TLS) as http,
            httpx.Client(verify=TLS) as customers_http,
        ):
            deployment = open_deployment(self.project, given, environment, http=http, customers_http=customers_http)
            deployment.say = self.said.append
            deployment.pause = lambda _seconds: None
            deployment.clock = lambda: float(next(seconds))
            deployment.wrangler = CallsOfWrangler(http=http, base_url=self.account.base_url, config=self.project.config)
            yield deployment


@pytest.fixture
def deployed() -> DeployedWorker:
    return DeployedWorker(Account())


@pytest.fixture
def account(deployed: DeployedWorker) -> Iterator[Account]:
    """Empty. Whatever was unknown to it or against Cloudflare's schema fails the test."""
    deployed.account.besides = deployed.routes()
    with cloudflare_account(deployed.account) as account:
        yield account
    assert (account.unknown, account.rejected) == ([], [])


@pytest.fixture
def command(account: Account, tmp_path: Path) -> Command:
    return Command(account, checkout(tmp_path))


def state(account: Account) -> dict[str, Any]:
    """All that an account holds, but for ids and values that are made anew each time."""
    [database] = account.d1.databases.values() or [None]
    return {
        "database": database and (database.name, database.jurisdiction, _rows(database.execute)),
        "buckets": {key: (bucket.cors, bucket.lifecycle) for key, bucket in account.r2.buckets.items()},
        "queues": {
            queue.name: (queue.jurisdiction, [_named(consumer) for consumer in queue.consumers])
            for queue in account.queues.queues.values()
        },
        "tokens": [token["name"] for token in account.tokens.made.values()],
        "subdomain": account.workers.subdomain,
        "workers": {
            name: (
                sorted(worker.deployed.secrets),
                worker.crons,
                worker.on_workers_dev,
                _bound(worker.deployed.metadata),
            )
            for name, worker in account.workers.scripts.items()
        },
    }


def _rows(execute: Any) -> Any:
    [tables, migrations, orders] = execute(
        [
            ("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", ()),
            ("SELECT name FROM d1_migrations", ()),
            ("SELECT count(*) AS count FROM orders", ()),
        ]
    )
    return tables, migrations, orders


def _named(consumer: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in consumer.items() if key != "consumer_id"}


def _bound(metadata: Mapping[str, Any]) -> Any:
    """Names of bindings, and values of variables."""
    bindings = {
        (binding["name"], binding["type"], binding.get("text") if binding["type"] == "plain_text" else None)
        for binding in metadata["bindings"]
        if binding["type"] not in {"inherit", "secret_text"}
    }
    return bindings, metadata["compatibility_date"], metadata["compatibility_flags"]
