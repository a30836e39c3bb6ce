"""The store on D1's HTTP API, where an answer may get lost on its way."""

import asyncio
from datetime import datetime

from editqueue.adapters.job_store.databases.d1_http import D1HttpDatabase
from editqueue.adapters.job_store.statements import claim
from editqueue.adapters.job_store.statements.claim import UNSURE_FOR
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.ids import new_token
from editqueue.ports.job_store import Claim, Schema


class D1HttpStore(SqlStore):
    """`JobStore` on D1 from outside of Workers."""

    def __init__(
        self, database: D1HttpDatabase, *, schema: Schema | None = None, traceparent: TraceParent | None = None
    ) -> None:
        super().__init__(database, schema=schema, traceparent=traceparent)
        self._unsure: dict[str, datetime] = {}
        """The tokens of claims without an answer, and when those were asked for."""

    async def claim_next(self, *, now: datetime, holder: str | None = None) -> Claim | None:
        """What claims without an answer took is queued again by the same request. D1 may make such a claim long after
        we gave it up, so that finding nothing proves nothing."""
        self._unsure = {token: asked for token, asked in self._unsure.items() if now - asked < UNSURE_FOR}
        token = new_token()
        try:
            return await self.send(
                claim.claim_next(now=now, holder=holder, token=token, unsure=self._unsure, traced=self.joins_traces)
            )
        except (StorageUnavailable, asyncio.CancelledError):
            self._unsure[token] = now
            raise
