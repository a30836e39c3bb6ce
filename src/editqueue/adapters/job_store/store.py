"""The JobStore on SQL: one class, its statements split by what they are about."""

from editqueue.adapters.job_store.books import BookStatements
from editqueue.adapters.job_store.claims import ClaimStatements
from editqueue.adapters.job_store.housekeeping import HousekeepingStatements
from editqueue.adapters.job_store.mutations import MutationStatements
from editqueue.adapters.job_store.orders import OrderStatements
from editqueue.adapters.job_store.submissions import SubmissionStatements


class SqlStore(
    OrderStatements,
    MutationStatements,
    SubmissionStatements,
    ClaimStatements,
    HousekeepingStatements,
    BookStatements,
):
    """`JobStore` over any `Database`."""

    async def close(self) -> None:
        await self._database.close()
