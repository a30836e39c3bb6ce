"""One deployment: what is wanted, what is known, and the hands that reach the account."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

from deploy.cloudflare.rollout.api import Api
from deploy.cloudflare.rollout.project import Project, as_json
from deploy.cloudflare.rollout.record import Record, save
from deploy.cloudflare.rollout.secret_values import SecretValues
from deploy.cloudflare.rollout.source import tag_of
from deploy.cloudflare.rollout.wanted import Wanted, configuration
from deploy.cloudflare.rollout.wrangler import Wrangler


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Between the account and what should be there."""

    lines: Sequence[str]
    """Each says one thing that differs."""
    doing: str
    """What `mend` does, in the imperative."""
    mend: Callable[[], None] | None
    """None: only a person can, and `doing` tells what."""


@dataclass(kw_only=True)
class Deployment:
    project: Project
    template: Mapping[str, Any]
    record: Record
    wanted: Wanted
    secrets: SecretValues
    api: Api
    wrangler: Wrangler
    customers_http: httpx.Client
    """Without the API's token."""
    say: Callable[[str], None]
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @property
    def account(self) -> str:
        """The path of the account."""
        return f"/accounts/{self.record.account_id}"

    def know(self, **facts: Any) -> None:
        """Know something more, for this run."""
        self.record = replace(self.record, **facts)

    def remember(self, **facts: Any) -> None:
        """Know something more, and keep it for the next run."""
        self.know(**facts)
        save(self.project.kept / "deployment.json", self.record)

    def configuration(self) -> str:
        return as_json(configuration(self.template, self.record, self.wanted))

    def tag(self) -> str:
        """Of the version that should be deployed."""
        return tag_of(self.project, self.configuration())

    def query(self, sql: str, *params: str) -> list[dict[str, Any]]:
        """Rows of one statement on the database."""
        path = f"{self.account}/d1/database/{self.record.database_id}/query"
        [answer] = self.api.call("POST", path, body={"sql": sql, "params": list(params)})
        return answer["results"]


Part = Callable[[Deployment], Iterator[Difference]]
"""Compares one part of the account, and looks again after each difference, which may have been mended."""
