"""The calls of Cloudflare Queues' REST API that we use, through the official SDK, with its errors as ours.

Importing this module imports the SDK, which takes about half a second: wiring does so only when it is asked for.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from cloudflare import APIConnectionError, APIError, APIStatusError, AsyncCloudflare
from cloudflare.types.queues import Queue
from cloudflare.types.queues.message_pull_response import Message as PulledMessage

from editqueue.adapters.job_queue.cloudflare.access import QueueAccess
from editqueue.adapters.job_queue.cloudflare.message_body import encode
from editqueue.domain.errors import EditQueueError, QueueUnavailable

CALL_SECONDS = 10.0
"""How long one call may take, its retries included. The shortest job limit is longer."""
SEND_SECONDS = 5.0
"""How long a request waits for its messages to be sent; the sweep makes up for those that were not."""
LONGEST_DELAY = 24 * 3600
"""Seconds; the API refuses more (10203)."""
_BUSY = {
    10250: "the queue is overloaded",
    10251: "the queue is full; purge it or add consumers",
    10252: "the queue is paused: wrangler queues resume-delivery NAME",
    10253: "the free tier's operations of today are spent; they come back at 00:00 UTC, or upgrade to Workers Paid",
}


class QueueRefused(EditQueueError):
    """Cloudflare will not let us: token, account or queue are wrong. Only a setting can mend it."""

    code = "queue_refused"

    def __init__(self, message: str, *, status: int, error_code: int | None) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code


class CloudflareApi:
    """The queue of `access`. Every call raises QueueUnavailable or QueueRefused."""

    def __init__(self, access: QueueAccess) -> None:
        self._account = access.account_id
        self._queue = access.queue_id
        self._once = _with_token_only(
            AsyncCloudflare(
                api_token=access.token,
                base_url=access.base_url or "https://api.cloudflare.com/client/v4",
                max_retries=0,
                timeout=httpx.Timeout(CALL_SECONDS, connect=SEND_SECONDS),
            )
        )
        # A repeated acknowledgement changes nothing; a repeated message wakes somebody for nothing.
        self._twice = _with_token_only(self._once.with_options(max_retries=1))

    async def send(self, job_ids: Sequence[str]) -> None:
        """One batch of at most 100. A timeout may have sent it all the same."""
        async with _translate_errors(SEND_SECONDS):
            await self._twice.queues.messages.bulk_push(
                self._queue,
                account_id=self._account,
                messages=[{"body": encode(job_id), "content_type": "json"} for job_id in job_ids],
            )

    async def pull(self, *, limit: int, visibility: timedelta) -> Sequence[PulledMessage]:
        """Asked once: the messages of an answer that got lost are leased all the same, and a second try would lease
        the next ones."""
        async with _translate_errors(CALL_SECONDS):
            pulled = await self._once.queues.messages.pull(
                self._queue,
                account_id=self._account,
                batch_size=limit,
                visibility_timeout_ms=round(visibility.total_seconds() * 1000),
            )
            if pulled is None:
                raise QueueUnavailable("Cloudflare Queues answered a pull without a result")
            return pulled.messages or []

    async def settle(self, *, acks: Sequence[str], retries: Sequence[tuple[str, int]]) -> None:
        """Leases that are done, and leases to deliver again after so many seconds."""
        async with _translate_errors(CALL_SECONDS):
            await self._twice.queues.messages.ack(
                self._queue,
                account_id=self._account,
                acks=[{"lease_id": lease} for lease in acks],
                retries=[{"lease_id": lease, "delay_seconds": delay} for lease, delay in retries],
            )

    async def details(self) -> Queue:
        async with _translate_errors(CALL_SECONDS):
            found = await self._once.queues.get(self._queue, account_id=self._account)
            if found is None:
                raise QueueUnavailable("Cloudflare Queues described the queue without a result")
            return found

    async def close(self) -> None:
        await self._once.close()


def _with_token_only(client: AsyncCloudflare) -> AsyncCloudflare:
    """The SDK takes older credentials from the environment, too, and would send them instead of the token."""
    client.api_key = client.api_email = client.user_service_key = None
    return client


@asynccontextmanager
async def _translate_errors(seconds: float) -> AsyncGenerator[None]:
    """What the SDK documents becomes ours, and all ends after `seconds`: its own timeouts are per phase and per try."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise QueueUnavailable(f"Cloudflare Queues did not answer within {seconds:g} s") from error
    except APIConnectionError as error:
        cause = error.__cause__
        if cause is not None and not isinstance(cause, (httpx.HTTPError, OSError)):
            raise cause from None  # a defect: the SDK gives this name to whatever is raised while it sends
        raise QueueUnavailable(f"Cloudflare Queues cannot be reached: {cause or error}") from error
    except APIStatusError as error:
        raise _status_error(error) from error
    except APIError as error:
        raise QueueUnavailable(f"Cloudflare Queues gave an answer that nobody can read: {error.message}") from error


def _status_error(error: APIStatusError) -> EditQueueError:
    status, first = error.status_code, next(iter(error.errors or ()), None)
    code, message = (first.code, first.message) if first else (None, None)
    said = f"HTTP {status}" + (f", {code}" if code else "") + (f" {message}" if message else "")
    if status in {408, 409, 429} or status >= 500 or code in _BUSY:
        hint = f" ({_BUSY[code]})" if code in _BUSY else ""
        return QueueUnavailable(f"Cloudflare Queues: {said}{hint}", retry_after=_retry_after(error))
    return QueueRefused(f"Cloudflare Queues: {said}", status=status, error_code=code)


def _retry_after(error: APIStatusError) -> float | None:
    try:
        return float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
