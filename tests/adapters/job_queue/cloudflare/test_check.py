"""What a look at the queue finds, and what to do about it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from devtools.cloudflare_queue.server import READ_ONLY_TOKEN
from devtools.cloudflare_queue.world import CloudflareWorld, cloudflare_world
from editqueue.adapters.job_queue.cloudflare.access import QueueFinding
from editqueue.adapters.job_queue.cloudflare.check import look_at

OTHER = "f" * 32


@pytest.fixture
async def there() -> AsyncIterator[CloudflareWorld]:
    async with cloudflare_world(max_retries=10) as opened:
        yield opened


async def found(there: CloudflareWorld, *, pulling: bool = True, **changed: str) -> QueueFinding:
    return await look_at(replace(there.access, **changed), pulling=pulling)


async def test_a_sound_queue_is_described(there: CloudflareWorld) -> None:
    finding = await found(there)

    assert finding.ok
    assert finding.detail == (
        "cloudflare: edit-jobs, may be read and written; 10 retries a message; dead letters: edit-jobs-dead"
    )


async def test_few_retries_are_mentioned(there: CloudflareWorld) -> None:
    there.server.max_retries = 3

    assert "3 retries a message (10 or more are better)" in (await found(there)).detail


async def test_what_it_sends_wakes_a_consumer_for_nothing_and_is_no_foreign_message(there: CloudflareWorld) -> None:
    await found(there)

    [held] = there.server.queue.messages.values()
    assert held.content_type == "json"


@pytest.mark.parametrize("token", ["wrong", READ_ONLY_TOKEN])
async def test_a_token_without_the_right(there: CloudflareWorld, token: str) -> None:
    finding = await found(there, token=token)

    assert (finding.ok, finding.transient) == (False, False)
    assert finding.detail.startswith("CLOUDFLARE_API_TOKEN is refused")
    assert "Queues: Edit" in finding.remedy
    assert token not in finding.detail


async def test_a_queue_of_another_account(there: CloudflareWorld) -> None:
    finding = await found(there, queue_id=OTHER)

    assert (finding.ok, finding.transient) == (False, False)
    assert finding.detail.startswith(f"CLOUDFLARE_QUEUE_ID={OTHER} is no queue of account")
    assert "wrangler queues list" in finding.remedy


async def test_an_account_the_token_is_not_for(there: CloudflareWorld) -> None:
    finding = await found(there, account_id=OTHER)

    assert not finding.ok
    assert OTHER in finding.detail
    assert "CLOUDFLARE_ACCOUNT_ID" in finding.remedy


async def test_a_service_out_of_reach_may_come_back(there: CloudflareWorld) -> None:
    finding = await found(there, base_url="http://127.0.0.1:1")

    assert (finding.ok, finding.transient) == (False, True)
    assert "cannot be reached" in finding.detail
    assert "CLOUDFLARE_BASE_URL" in finding.remedy


@pytest.mark.parametrize("kind", [None, "worker"])
async def test_a_queue_without_a_pull_consumer(there: CloudflareWorld, kind: str | None) -> None:
    there.server.consumer = kind

    finding = await found(there)

    assert (finding.ok, finding.transient) == (False, False)
    assert "no HTTP pull consumer" in finding.detail
    assert finding.remedy.startswith("wrangler queues consumer http add edit-jobs")


async def test_who_only_sends_needs_no_pull_consumer(there: CloudflareWorld) -> None:
    there.server.consumer = "worker"

    assert (await found(there, pulling=False)).ok


async def test_a_paused_queue_is_no_reason_not_to_start(there: CloudflareWorld) -> None:
    there.server.paused = True

    finding = await found(there)

    assert (finding.ok, finding.transient) == (False, True)
    assert finding.remedy == "wrangler queues resume-delivery edit-jobs"
