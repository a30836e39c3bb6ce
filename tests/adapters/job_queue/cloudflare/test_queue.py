"""The Cloudflare adapter through the real SDK, over HTTP, against a stand-in of Cloudflare."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from devtools.cloudflare_queue.server import BATCH, READ_ONLY_TOKEN
from devtools.cloudflare_queue.world import CloudflareWorld, cloudflare_world, with_token
from editqueue.adapters.job_queue.cloudflare import api as cloudflare_api
from editqueue.adapters.job_queue.cloudflare import queue as cloudflare
from editqueue.adapters.job_queue.cloudflare.api import CloudflareApi, QueueRefused
from editqueue.adapters.job_queue.cloudflare.queue import DEPTH, IDLE_POLL, LAST_POLL, Lease
from editqueue.domain.errors import QueueUnavailable
from editqueue.ports import Limits
from editqueue.ports.job_queue import JobQueue, Message, Redelivery

NOW = timedelta(0)
MOMENT = timedelta(milliseconds=10)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
BUSY = [(429, 10250), (429, 10251), (429, 10252), (429, 10253), (429, 971), (500, 15000), (503, 0), (408, 0)]
REFUSED = [(401, 10000), (403, 10000), (403, 10106), (404, 10104), (400, 10207)]


@pytest.fixture
async def there() -> AsyncIterator[CloudflareWorld]:
    async with cloudflare_world() as opened:
        yield opened


def ids(count: int) -> list[str]:
    return [f"job-{number}" for number in range(count)]


async def receive_all(queue: JobQueue, count: int) -> list[Message]:
    return [one for _ in range(count) for one in await queue.receive(limit=1, wait=MINUTE)]


def leases(call: dict[str, Any]) -> tuple[int, int]:
    """How many acknowledgements and retries an ack call carried."""
    return len(call["acks"]), len(call["retries"])


class TestSending:
    async def test_many_go_in_batches_of_a_hundred(self, there: CloudflareWorld) -> None:
        await there.queue.send(ids(250))

        assert sorted(len(one["messages"]) for one in there.server.called("batch")) == [50, 100, 100]
        assert there.server.queue.books.sent == 250

    async def test_nothing_makes_no_call(self, there: CloudflareWorld) -> None:
        await there.queue.send([])

        assert there.server.calls == []

    @pytest.mark.parametrize(("status", "code"), [(429, 10250), (500, 15000)])
    async def test_a_busy_queue_is_asked_twice(self, there: CloudflareWorld, status: int, code: int) -> None:
        there.server.refuse("batch", status, code)

        await there.queue.send(["a"])

        assert there.server.queue.books.sent == 1

    @pytest.mark.parametrize(("status", "code"), [(429, 10252), (503, 0)])
    async def test_one_that_stays_busy_is_said_to_be_away(self, there: CloudflareWorld, status: int, code: int) -> None:
        there.server.refuse("batch", status, code, times=2)

        with pytest.raises(QueueUnavailable, match=str(code or status)):
            await there.queue.send(["a"])

    async def test_a_batch_that_is_refused_does_not_keep_the_others(self, there: CloudflareWorld) -> None:
        there.server.refuse("batch", 400, 10207)

        with pytest.raises(QueueRefused):
            await there.queue.send(ids(250))

        assert there.server.queue.books.sent in {150, 200}

    async def test_nobody_waits_longer_than_the_limit(
        self, there: CloudflareWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cloudflare_api, "SEND_SECONDS", 0.1)
        there.server.gates["batch"] = asyncio.Event()

        with pytest.raises(QueueUnavailable, match=r"did not answer within 0\.1 s"):
            await there.queue.send(["a"])

    async def test_a_service_out_of_reach_is_said_to_be_away(self, there: CloudflareWorld) -> None:
        nowhere = CloudflareApi(replace(there.access, base_url="http://127.0.0.1:1"))

        with pytest.raises(QueueUnavailable, match="cannot be reached"):
            await nowhere.send(["a"])

        await nowhere.close()


class TestErrors:
    @pytest.mark.parametrize("call", ["encode", "httpx"])
    async def test_a_defect_comes_out_as_it_is(
        self, there: CloudflareWorld, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise TypeError("ours")

        if call == "encode":
            monkeypatch.setattr(cloudflare_api, "encode", fail)
        else:
            monkeypatch.setattr(httpx.AsyncClient, "send", fail)

        with pytest.raises(TypeError, match="ours"):
            await there.queue.send(["a"])
        monkeypatch.undo()

    @pytest.mark.parametrize(("status", "code"), BUSY)
    async def test_what_may_pass_is_transient_and_asked_once(
        self, there: CloudflareWorld, status: int, code: int
    ) -> None:
        there.server.refuse("pull", status, code, times=2)

        with pytest.raises(QueueUnavailable, match=str(code or status)):
            await there.queue.receive(limit=1, wait=NOW)

        assert len(there.server.refusals["pull"]) == 1, "a repeated pull would strand what the first one leased"

    @pytest.mark.parametrize(("status", "code"), REFUSED)
    async def test_what_will_never_work_is_refused(self, there: CloudflareWorld, status: int, code: int) -> None:
        there.server.refuse("pull", status, code)

        with pytest.raises(QueueRefused, match=f"HTTP {status}, {code}") as caught:
            await there.queue.receive(limit=1, wait=NOW)

        assert (caught.value.status, caught.value.error_code) == (status, code)

    @pytest.mark.parametrize("token", ["wrong", READ_ONLY_TOKEN])
    async def test_a_token_without_the_right_is_refused(self, there: CloudflareWorld, token: str) -> None:
        api = with_token(there, token)

        with pytest.raises(QueueRefused, match="Authentication error"):
            await api.pull(limit=1, visibility=MINUTE)

        await api.close()

    async def test_of_many_workers_one_hears_of_it_and_the_others_go_and_look_for_work(
        self, there: CloudflareWorld
    ) -> None:
        there.server.refuse("pull", 503, 0)

        waiting = [there.queue.receive(limit=1, wait=MINUTE) for _ in range(5)]
        answers = await asyncio.gather(*waiting, return_exceptions=True)

        assert [type(one) for one in answers] == [QueueUnavailable] + 4 * [list]

    async def test_after_one_the_queue_is_left_alone_for_a_while(self, there: CloudflareWorld) -> None:
        there.server.refuse("pull", 429, 10250, times=1, retry_after=40)
        with pytest.raises(QueueUnavailable):
            await there.queue.receive(limit=1, wait=NOW)

        assert await there.queue.receive(limit=1, wait=timedelta(seconds=39)) == []
        assert there.server.called("pull") == []
        await there.queue.receive(limit=1, wait=timedelta(seconds=1))
        assert len(there.server.called("pull")) == 1

    async def test_the_old_credentials_of_the_environment_do_not_replace_the_token(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLOUDFLARE_EMAIL", "anna@pix.immo")
        monkeypatch.setenv("CLOUDFLARE_API_KEY", "old")
        async with cloudflare_world() as there:
            await there.queue.send(["a"])

            assert there.server.queue.books.sent == 1


class TestPolling:
    async def test_backs_off_to_a_read_every_fifteen_seconds(self, there: CloudflareWorld) -> None:
        assert await there.queue.receive(limit=1, wait=timedelta(seconds=60)) == []

        assert there.pause.waits == [1, 2, 4, 8, 15, 15, 15]

    async def test_an_idle_day_costs_5760_reads(self, there: CloudflareWorld) -> None:
        await there.queue.receive(limit=1, wait=IDLE_POLL)
        before = len(there.server.called("pull"))

        await there.queue.receive(limit=1, wait=timedelta(minutes=4))

        assert (len(there.server.called("pull")) - before) * 15 * 24 == DAY // LAST_POLL == 5760

    async def test_many_workers_poll_no_more_than_one(self) -> None:
        async with cloudflare_world(concurrency=8) as there:
            real_time_stands_still = asyncio.Event()

            async def pause(_seconds: float) -> None:
                await real_time_stands_still.wait()

            there.queue._pause = pause  # pyright: ignore[reportPrivateUsage]  # the clock must not run eight times
            waiting = [asyncio.create_task(there.queue.receive(limit=1, wait=MINUTE)) for _ in range(8)]
            await there.server.arrived["pull"].wait()
            await there.queue.send(["a"])
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

            assert len(there.server.called("pull")) <= 3

    async def test_starts_anew_when_work_comes(self, there: CloudflareWorld) -> None:
        await there.queue.receive(limit=1, wait=MINUTE)
        await there.another().send(["a"])
        await receive_all(there.queue, 1)
        there.pause.waits.clear()

        await there.queue.receive(limit=1, wait=timedelta(seconds=3))

        assert there.pause.waits == [1, 2]

    async def test_what_this_process_sends_is_asked_for_at_once(self, there: CloudflareWorld) -> None:
        never = asyncio.Event()

        async def pause(_seconds: float) -> None:
            await never.wait()

        there.queue._pause = pause  # pyright: ignore[reportPrivateUsage]  # the nap must end without its time
        waiting = asyncio.create_task(there.queue.receive(limit=1, wait=DAY))
        await there.server.arrived["pull"].wait()

        await there.queue.send(["a"])

        assert [one.job_id for one in await waiting] == ["a"]


class TestLeases:
    def test_last_until_the_slowest_batch_is_worked_off(self) -> None:
        lease = Lease.of(Limits(), concurrency=3)

        assert lease.batch == 3 * DEPTH
        assert lease.visibility == timedelta(seconds=3 * 300 + 900 + 60)

    def test_are_never_longer_than_cloudflare_allows(self) -> None:
        slow = Limits(job_timeout=timedelta(hours=4), stale_after=timedelta(hours=5))

        assert Lease.of(slow, concurrency=1).visibility == timedelta(hours=9, minutes=1)
        assert Lease.of(slow, concurrency=1).batch == 2
        assert Lease.of(Limits(), concurrency=64).batch == BATCH

    async def test_are_asked_for_with_the_pull(self, there: CloudflareWorld) -> None:
        await there.queue.receive(limit=1, wait=NOW)

        [call] = there.server.called("pull")
        assert (call["batch_size"], call["visibility_timeout_ms"]) == (DEPTH, 1_860_000)

    async def test_that_run_out_bring_the_message_again(self, there: CloudflareWorld) -> None:
        await there.queue.send(["a"])
        [first] = await receive_all(there.queue, 1)

        there.clock.advance(timedelta(seconds=1861))
        [second] = await receive_all(there.queue, 1)

        assert (first.job_id, second.job_id) == ("a", "a")
        assert first.receipt != second.receipt
        await there.queue.settle(done=[first])
        await there.queue.receive(limit=1, wait=MOMENT)
        assert there.server.queue.backlog == 0, "a late acknowledgement counts"

    async def test_too_short_for_another_job_are_given_back_instead(self, there: CloudflareWorld) -> None:
        await there.queue.send(ids(3))
        [first] = await receive_all(there.queue, 1)

        there.clock.advance(timedelta(seconds=961))
        assert await there.queue.receive(limit=2, wait=NOW) == []
        again = await receive_all(there.queue, 2)

        assert {one.job_id for one in again} == {*ids(3)} - {first.job_id}
        assert there.server.queue.books.retried == 2

    async def test_of_an_answer_that_got_lost_run_out(
        self, there: CloudflareWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await there.queue.send(["a"])
        monkeypatch.setattr(cloudflare_api, "CALL_SECONDS", 0.1)
        there.server.gates["pull"] = asyncio.Event()
        with pytest.raises(QueueUnavailable):
            await there.queue.receive(limit=1, wait=NOW)
        there.server.gates.pop("pull").set()
        monkeypatch.undo()

        assert await there.queue.receive(limit=1, wait=MINUTE) == []
        there.clock.advance(timedelta(seconds=1861))
        assert [one.job_id for one in await receive_all(there.queue, 1)] == ["a"]

    async def test_two_processes_never_hold_the_same_message(self, there: CloudflareWorld) -> None:
        other = there.another()
        await there.queue.send(ids(2 * DEPTH))

        got = await receive_all(there.queue, DEPTH) + await receive_all(other, DEPTH)

        assert sorted(str(one.job_id) for one in got) == sorted(ids(2 * DEPTH))


class TestSettling:
    async def test_four_short_jobs_cost_one_pull_and_one_acknowledgement(self, there: CloudflareWorld) -> None:
        await there.queue.send(ids(DEPTH))
        for one in await receive_all(there.queue, DEPTH):
            await there.queue.settle(done=[one])

        await there.queue.receive(limit=1, wait=NOW)

        assert [leases(one) for one in there.server.called("ack")] == [(DEPTH, 0)]
        assert there.server.queue.backlog == 0

    async def test_a_retry_goes_at_once_and_takes_the_others_along(self, there: CloudflareWorld) -> None:
        await there.queue.send(["a", "b"])
        first, second = await receive_all(there.queue, 2)
        await there.queue.settle(done=[first])

        await there.queue.settle(again=[Redelivery(message=second, delay=timedelta(seconds=15))])

        assert [leases(one) for one in there.server.called("ack")] == [(1, 1)]
        assert there.server.called("ack")[0]["retries"][0]["delay_seconds"] == 15

    @pytest.mark.parametrize(
        ("delay", "seconds"),
        [(NOW, 0), (timedelta(seconds=14.2), 15), (timedelta(hours=23), 82_800), (timedelta(days=3), 86_400)],
    )
    async def test_delays_are_whole_seconds_never_early_and_a_day_at_most(
        self, there: CloudflareWorld, delay: timedelta, seconds: int
    ) -> None:
        await there.queue.send(["a"])
        [message] = await receive_all(there.queue, 1)

        await there.queue.settle(again=[Redelivery(message=message, delay=delay)])

        assert there.server.called("ack")[0]["retries"][0]["delay_seconds"] == seconds

    async def test_one_that_fails_is_made_up_for(self, there: CloudflareWorld) -> None:
        await there.queue.send(["a"])
        await there.queue.settle(done=await receive_all(there.queue, 1))
        there.server.refuse("ack", 429, 10250, times=2)
        with pytest.raises(QueueUnavailable):
            await there.queue.receive(limit=1, wait=NOW)

        await there.queue.receive(limit=1, wait=MINUTE)

        assert there.server.queue.backlog == 0

    async def test_one_that_is_refused_does_not_stop_the_others(self, there: CloudflareWorld) -> None:
        await there.queue.send(["a"])
        await there.queue.settle(done=await receive_all(there.queue, 1))
        there.server.refuse("ack", 400, 10207)
        with pytest.raises(QueueRefused):
            await there.queue.receive(limit=1, wait=NOW)

        await there.another().send(["b"])

        assert [one.job_id for one in await receive_all(there.queue, 1)] == ["b"]

    async def test_acknowledgements_that_pile_up_are_bounded(
        self, there: CloudflareWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cloudflare, "MOST_UNSETTLED", 200)
        queue = there.another()
        await queue.settle(done=[Message(job_id="a", receipt=str(one)) for one in range(1000)])

        await queue.receive(limit=1, wait=NOW)

        assert [leases(one) for one in there.server.called("ack")] == [(100, 0)] * 2

    async def test_a_message_out_of_retries_goes_to_the_dead_letters(self) -> None:
        async with cloudflare_world(max_retries=2) as there:
            await there.queue.send(["a"])
            for _ in range(3):
                [message] = await receive_all(there.queue, 1)
                await there.queue.settle(again=[Redelivery(message=message, delay=NOW)])

            assert (there.server.queue.backlog, there.server.dead_letters.backlog) == (0, 1)


class TestForeignMessages:
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [(b'{"action": "PutObject"}', "json"), (b"hello", "text"), (b"\xff\x00", "bytes"), (b"\xff\x0f", "v8")],
    )
    async def test_name_no_job_and_can_be_settled(self, there: CloudflareWorld, body: bytes, content_type: str) -> None:
        there.server.queue.push(body, content_type=content_type)

        messages = await receive_all(there.queue, 1)
        await there.queue.settle(done=messages)
        await there.queue.receive(limit=1, wait=NOW)

        assert [one.job_id for one in messages] == [None]
        assert there.server.queue.backlog == 0


class TestClosing:
    async def test_hands_back_what_was_pulled_and_not_worked_on(self) -> None:
        async with cloudflare_world() as there:
            await there.queue.send(ids(DEPTH))
            await there.queue.settle(done=await receive_all(there.queue, 1))

            await there.queue.close()

            assert (there.server.queue.backlog, there.server.queue.leased) == (DEPTH - 1, 0)
            assert len(await receive_all(there.another(), DEPTH - 1)) == DEPTH - 1

    async def test_hands_back_what_a_pull_brings_that_nobody_waits_for_any_more(self) -> None:
        async with cloudflare_world() as there:
            await there.queue.send(ids(DEPTH))
            there.server.gates["pull"] = asyncio.Event()
            waiting = asyncio.create_task(there.queue.receive(limit=1, wait=DAY))
            await there.server.arrived["pull"].wait()
            waiting.cancel()
            await asyncio.wait([waiting])
            there.server.gates.pop("pull").set()

            await there.queue.close()

            assert (there.server.queue.backlog, there.server.queue.leased) == (DEPTH, 0)

    async def test_ends_though_the_queue_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with cloudflare_world() as there:
            await there.queue.send(ids(DEPTH))
            await receive_all(there.queue, 1)
            there.server.refuse("ack", 503, 0, times=9)

            await there.queue.close()

        assert asyncio.all_tasks() == {asyncio.current_task()}
