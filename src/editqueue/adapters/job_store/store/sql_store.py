"""The JobStore on SQL: one class, its statements split by what they are about."""

from editqueue.adapters.job_store.statements.claims import ClaimStatements
from editqueue.adapters.job_store.statements.housekeeping import HousekeepingStatements
from editqueue.adapters.job_store.statements.mutations import MutationStatements
from editqueue.adapters.job_store.statements.orders import OrderStatements
from editqueue.adapters.job_store.statements.queries import QueryStatements
from editqueue.adapters.job_store.statements.submissions import SubmissionStatements


class SqlStore(
    OrderStatements,
    MutationStatements,
    SubmissionStatements,
    ClaimStatements,
    HousekeepingStatements,
    QueryStatements,
):
    """`JobStore` over any `Database`."""

    async def close(self) -> None:
        await self._database.close()
