"""One attempt at one job, whatever becomes of it."""

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from devtools.seeds import LATER, NOON, URL, claim, submit
from devtools.world import FakeImages, World, keys_of, original, preview_of
from editqueue.domain.errors import (
    BrokenPicture,
    ClaimLost,
    EditQueueError,
    GroundLost,
    ImageWorkerDied,
    JobTimedOut,
    NoImageWorker,
    NotAPicture,
    NoToolForFormat,
    ObjectMissing,
    OverLimit,
    PermanentError,
    StorageUnavailable,
)
from editqueue.domain.files import NotificationType
from editqueue.ports import Limits
from editqueue.ports.image_tools import Preview
from editqueue.ports.job_store import Claim
from editqueue.use_cases.consumer import ground
from editqueue.use_cases.consumer.process_job import SETTLE_WAITS, process_next
from editqueue.use_cases.consumer.verdict import Done, Lost, Retry


class Flaky:
    """The store, where the named method does `first` instead of its work, as often as there are entries."""

    def __init__(self, inner: object, method: str, first: list[Callable[[], Any]]) -> None:
        self._inner = inner
        self._method = method
        self._first = first

    def __getattr__(self, name: str) -> Any:
        if name == self._method and self._first:
            return self._instead
        return getattr(self._inner, name)

    async def _instead(self, *_: object, **__: object) -> Any:
        return self._first.pop(0)()


def answers_lost(store: object, method: str) -> Any:
    """The store, of which the first `method` is committed and its answer lost."""
    inner = getattr(store, method)

    class AnswerLost(Flaky):
        async def _instead(self, *args: object, **facts: object) -> Any:
            await inner(*args, **facts)
            return await super()._instead()

    return AnswerLost(store, method, [failing(StorageUnavailable("connection reset"))])


def failing(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


class TestDone:
    async def test_copies_the_original_byte_for_byte_with_its_content_type(self, world: World) -> None:
        [file] = await world.submitted(1, name="bild.cr2", content_type="image/x-canon-cr2")

        outcome = await process_next(world.ports)

        keys = keys_of(file)
        assert outcome is not None
        assert outcome.result == "done"
        assert await world.bucket.read(keys.processed) == original(file) == await world.bucket.read(keys.raw)
        assert (await world.bucket.head(keys.processed)).content_type == "image/x-canon-cr2"

    async def test_writes_the_preview_as_jpeg(self, world: World) -> None:
        [file] = await world.submitted(1, name="bild.cr2")

        await process_next(world.ports)

        keys = keys_of(file)
        assert keys.preview.endswith(".jpg")
        assert await world.bucket.read(keys.preview) == preview_of(keys.raw).body
        assert (await world.bucket.head(keys.preview)).content_type == "image/jpeg"

    async def test_publishes_the_file_and_closes_the_job(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.clock.advance(timedelta(seconds=3))

        await process_next(world.ports)

        after, job = await world.file(file), await world.job(file)
        assert (after.status, after.locked) == ("done", False)
        assert after.preview_url == f"r2://piximmo-media/{keys_of(file).preview}"
        assert (job.status, job.attempts, job.error) == ("done", 1, None)
        assert job.started_at == job.finished_at == NOON + timedelta(seconds=3)
        assert job.bytes_copied == len(original(file))

    async def test_tells_the_customer_once(self, world: World) -> None:
        [file] = await world.submitted(1)

        await process_next(world.ports)

        [note] = await world.notes()
        assert (note.type, note.file_id) == (NotificationType.EDIT_DONE, file.id)
        assert "„bild.jpg“" in note.message

    async def test_writes_one_line_about_the_attempt(self, world: World) -> None:
        [file] = await world.submitted(1)

        await process_next(world.ports)

        [attempt] = world.journal.attempts
        assert (attempt.result, attempt.bytes_copied) == ("done", len(original(file)))
        assert attempt.seconds >= 0
        assert world.journal.causes() == ["claim", "finish"]
        assert world.journal.errors == []

    async def test_locks_the_file_while_it_works(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        working = asyncio.create_task(process_next(world.ports))
        await world.images.entered.wait()

        during, job = await world.file(file), await world.job(file)
        world.images.gate.set()
        await working

        assert (during.status, during.locked, job.status) == ("in_progress", True, "in_progress")

    async def test_has_nothing_to_do_without_a_job(self, world: World) -> None:
        assert await process_next(world.ports) is None
        assert world.journal.moves == []


class CopyHeld:
    """A bucket whose copies begin and wait for `go`; then they fail with `error`, if any."""

    def __init__(self, inner: object, error: Exception | None = None) -> None:
        self._inner = inner
        self._error = error
        self.go = asyncio.Event()
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        await self.go.wait()
        if self._error is not None:
            raise self._error
        inner: Any = self._inner
        await inner.copy(source, target, etag=etag)
        self.written.append(target)

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        inner: Any = self._inner
        await inner.write(key, body, content_type=content_type)
        self.written.append(key)


class HeadHeld:
    """A bucket that says what it holds when it is let."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.go = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def head(self, key: str) -> Any:
        await self.go.wait()
        inner: Any = self._inner
        return await inner.head(key)


class OfVersion(FakeImages):
    """Image tools that read another version of the original than the rest of the job."""

    def __init__(self, etag: str) -> None:
        super().__init__()
        self._etag = etag

    async def make_preview(self, key: str) -> Preview:
        return replace(await super().make_preview(key), etag=self._etag)


class OnTheirOwn(FakeImages):
    """Image tools that find out in their own time that the original is missing."""

    ended = ""

    async def make_preview(self, key: str) -> Preview:
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.ended = "cut off"
            raise
        self.ended = "by itself"
        raise ObjectMissing(key)


class TestCopyAndPreview:
    """The preview is made while the store copies, and written after."""

    async def test_are_under_way_together_and_written_in_turn(self, world: World) -> None:
        [file] = await world.submitted(1)
        bucket: Any = CopyHeld(world.bucket)
        working = asyncio.create_task(process_next(replace(world.ports, bucket=bucket)))

        await world.images.entered.wait()  # while the copy is not done
        assert bucket.written == []
        bucket.go.set()
        await working

        assert bucket.written == [keys_of(file).processed, keys_of(file).preview]
        assert (await world.job(file)).status == "done"

    async def test_the_preview_is_begun_before_the_bucket_has_said_what_it_holds(self, world: World) -> None:
        await world.submitted(1)
        bucket: Any = HeadHeld(world.bucket)
        working = asyncio.create_task(process_next(replace(world.ports, bucket=bucket)))

        await world.images.entered.wait()  # while the answer is not there

        bucket.go.set()
        assert isinstance(await working, Done)

    async def test_a_preview_of_another_version_than_the_copy_is_never_written(self, world: World) -> None:
        [file] = await world.submitted(1)
        end = await process_next(replace(world.ports, images=OfVersion("another")))

        replaced = f"{keys_of(file).raw} was replaced while it was edited"
        assert isinstance(end, Retry)
        assert (await world.job(file)).error == f"storage_unavailable: {replaced}"
        with pytest.raises(ObjectMissing):
            await world.bucket.head(keys_of(file).preview)

    async def test_what_is_said_of_another_version_does_not_count(self, world: World) -> None:
        for said in (BrokenPicture("half a picture"), NoToolForFormat("odd")):
            [file] = await world.submitted(1)
            said.etag = "another"
            world.images.error = said

            assert isinstance(await process_next(world.ports), Retry)
            assert "was replaced while it was edited" in ((await world.job(file)).error or "")

    async def test_an_original_that_is_missing_leaves_the_preview_to_find_that_out_too(self, world: World) -> None:
        [file] = await world.submitted(1)
        await world.bucket.delete([keys_of(file).raw])
        images = OnTheirOwn()

        await process_next(replace(world.ports, images=images))

        assert images.ended == "by itself"

    async def test_a_preview_that_failed_before_its_copy_did_leaves_no_error_unseen(self, world: World) -> None:
        unseen: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        await world.submitted(1)
        world.images.error = BrokenPicture("kaputt")
        bucket: Any = CopyHeld(world.bucket, StorageUnavailable("503"))
        working = asyncio.create_task(process_next(replace(world.ports, bucket=bucket)))
        await world.images.entered.wait()
        bucket.go.set()
        await working
        del working
        gc.collect()

        assert unseen == []

    async def test_a_copy_that_fails_ends_the_preview_and_leaves_none(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()  # would never be made
        bucket: Any = CopyHeld(world.bucket, StorageUnavailable("503"))
        working = asyncio.create_task(process_next(replace(world.ports, bucket=bucket)))

        await world.images.entered.wait()
        bucket.go.set()
        end = await working

        assert isinstance(end, Retry)
        assert bucket.written == []
        assert (await world.job(file)).error == "storage_unavailable: 503"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_a_copy_that_fails_says_more_than_a_picture_that_is_broken(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = BrokenPicture("kaputt")
        bucket: Any = CopyHeld(world.bucket, StorageUnavailable("503"))
        working = asyncio.create_task(process_next(replace(world.ports, bucket=bucket)))

        await world.images.entered.wait()
        bucket.go.set()

        assert isinstance(await working, Retry)
        assert (await world.job(file)).status == "queued"

    async def test_a_broken_picture_is_copied_all_the_same(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = BrokenPicture("kaputt")
        bucket: Any = CopyHeld(world.bucket)
        working = asyncio.create_task(process_next(replace(world.ports, bucket=bucket)))

        await world.images.entered.wait()
        bucket.go.set()
        await working

        assert bucket.written == [keys_of(file).processed]
        assert (await world.job(file)).status == "failed"


class TestMissingOriginal:
    async def test_fails_at_once_and_leaves_the_file_to_be_submitted_again(self, world: World) -> None:
        [file] = await world.submitted(1)
        await world.bucket.delete([file.object_key])

        outcome = await process_next(world.ports)

        after, job = await world.file(file), await world.job(file)
        [note] = await world.notes()
        assert outcome is not None
        assert (outcome.result, outcome.retry_in) == ("failed", None)
        assert (job.status, job.attempts, job.finished_at) == ("failed", 1, NOON)
        assert job.error == f"raw_missing: no original at {file.object_key}"
        assert (after.status, after.locked, after.preview_url) == ("queued", False, None)
        assert note.type == NotificationType.REVISION_REQUIRED
        assert await world.objects() == {}

    async def test_works_after_the_original_came_back(self, world: World) -> None:
        [file] = await world.submitted(1)
        await world.bucket.delete([file.object_key])
        await process_next(world.ports)
        await world.bucket.write(file.object_key, original(file), content_type="image/jpeg")

        await submit(world.store, [file], now=world.clock.now())
        await process_next(world.ports)

        assert (await world.file(file)).status == "done"

    async def test_is_recognised_when_it_goes_between_copy_and_preview(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = ObjectMissing(file.object_key)

        await process_next(world.ports)

        assert (await world.job(file)).error == f"raw_missing: no original at {file.object_key}"
        assert (await world.file(file)).status == "queued"


class TestPermanent:
    @pytest.mark.parametrize("kind", [BrokenPicture, NotAPicture, OverLimit])
    async def test_fails_at_once_without_a_preview(self, world: World, kind: type[EditQueueError]) -> None:
        [file] = await world.submitted(1)
        world.images.error = kind("kaputt")

        await process_next(world.ports)

        after, job = await world.file(file), await world.job(file)
        [note] = await world.notes()
        assert (job.status, job.attempts, job.error) == ("failed", 1, f"{kind.code}: kaputt")
        assert (after.status, after.locked, after.preview_url) == ("failed", False, None)
        assert note.type == NotificationType.REVISION_REQUIRED
        assert "kaputt" not in note.message
        assert keys_of(file).preview not in await world.objects()

    async def test_does_not_keep_the_next_file_waiting(self, world: World) -> None:
        bad, good = await world.submitted(2)
        world.images.errors[bad.object_key] = BrokenPicture("kaputt")

        results = [await process_next(world.ports) for _ in range(2)]

        assert [one.result for one in results if one] == ["failed", "done"]
        assert (await world.file(good)).status == "done"


class TestTransient:
    @pytest.mark.parametrize(
        "error", [StorageUnavailable("503"), ImageWorkerDied("signal 9"), OSError("reset"), KeyError("a bug")]
    )
    async def test_goes_back_to_queued_and_unlocked(self, world: World, error: Exception) -> None:
        [file] = await world.submitted(1)
        world.images.error = error

        outcome = await process_next(world.ports)

        after, job = await world.file(file), await world.job(file)
        assert outcome is not None
        assert outcome.result == "retry"
        assert outcome.retry_in == job.run_after - world.clock.now()
        assert (job.status, job.attempts) == ("queued", 1)
        assert (after.status, after.locked) == ("queued", False)
        assert await world.notes() == []
        assert [job_id for job_id, _ in world.journal.errors] == [job.id]

    @pytest.mark.parametrize(("chance", "waits"), [(0.0, [12, 48, 192]), (0.5, [15, 60, 240]), (1.0, [18, 72, 288])])
    async def test_is_tried_four_times_and_then_failed(self, world: World, chance: float, waits: list[float]) -> None:
        [file] = await world.submitted(1)
        world.images.error = StorageUnavailable("503")
        ports = replace(world.ports, chance=lambda: chance)

        waited: list[float] = []
        while (outcome := await process_next(ports)) is not None and outcome.retry_in is not None:
            waited.append(outcome.retry_in.total_seconds())
            world.clock.advance(outcome.retry_in)

        after, job = await world.file(file), await world.job(file)
        [note] = await world.notes()
        assert waited == waits
        assert (job.status, job.attempts, job.error) == ("failed", 4, "storage_unavailable: 503")
        assert (after.status, after.locked) == ("failed", False)
        assert note.type == NotificationType.REVISION_REQUIRED
        assert len(world.images.calls) == 4

    async def test_a_job_that_hangs_is_aborted_and_tried_again(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()

        await process_next(replace(world.ports, limits=Limits(job_timeout=timedelta(milliseconds=20))))

        [(_, error)] = world.journal.errors
        assert isinstance(error, JobTimedOut)
        assert (await world.job(file)).status == "queued"
        assert (await world.file(file)).locked is False

    async def test_a_time_out_of_the_network_is_told_from_our_own(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = TimeoutError("read timed out")

        await process_next(world.ports)

        assert (await world.job(file)).error == "internal_error: TimeoutError: read timed out"

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("GET https://r2/raw/a.jpg?X-Amz-Signature=abc failed", "GET https://r2/raw/a.jpg?... failed"),
            ("postgresql://anna:geheim@db/x is gone", "postgresql://...@db/x is gone"),
            ("a\x00b", "a?b"),
            ("x" * 600, "x" * 475),
        ],
    )
    async def test_what_is_kept_of_an_error_is_short_and_no_secret(self, world: World, text: str, kept: str) -> None:
        [file] = await world.submitted(1)
        world.images.error = OSError(text)

        await process_next(world.ports)

        assert (await world.job(file)).error == f"internal_error: OSError: {kept}"


class TestGround:
    """What every job stands on is away: nobody's attempt is spent."""

    @pytest.mark.parametrize(
        "error", [StorageUnavailable("503"), ImageWorkerDied("gone"), OSError(24, "no files left")]
    )
    async def test_that_is_away_costs_no_attempt_and_is_told_to_the_caller(
        self, world: World, error: Exception
    ) -> None:
        [file] = await world.submitted(1)
        world.images.error, world.images.lost = error, ImageWorkerDied("no worker can be started")

        with pytest.raises(GroundLost, match="images: image_worker_died: no worker can be started"):
            await process_next(world.ports)

        after, job = await world.file(file), await world.job(file)
        assert (job.status, job.attempts, job.error) == ("queued", 0, None)
        assert (after.status, after.locked) == ("queued", False)
        assert await world.notes() == []
        assert world.journal.causes() == ["claim", "hand_back"]
        assert world.journal.errors == []
        story = await world.store.job_story(job.id)
        assert story is not None
        assert [attempt.error for attempt in story.attempts] == [
            "ground_lost: images: image_worker_died: no worker can be started"
        ]

    @pytest.mark.parametrize("lost", [StorageUnavailable("not mounted"), PermanentError("access denied")])
    async def test_a_bucket_that_is_away_never_makes_an_original_missing(self, world: World, lost: Exception) -> None:
        [file] = await world.submitted(1)
        await world.bucket.delete([file.object_key])
        bucket: Any = Flaky(world.bucket, "probe", [failing(lost)])

        with pytest.raises(GroundLost, match=r"^bucket: "):
            await process_next(replace(world.ports, bucket=bucket))

        assert ((await world.job(file)).status, (await world.job(file)).attempts) == ("queued", 0)
        assert await world.notes() == []

    async def test_no_image_worker_is_nobodys_fault_even_if_the_next_one_starts(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = NoImageWorker("out of descriptors for a moment")

        with pytest.raises(GroundLost, match=r"^images: no_image_worker: "):
            await process_next(world.ports)

        assert ((await world.job(file)).status, (await world.job(file)).attempts) == ("queued", 0)

    async def test_that_does_not_answer_is_away(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        [file] = await world.submitted(1)
        world.images.error = StorageUnavailable("503")
        monkeypatch.setattr(ground, "PATIENCE", 0.02)

        class Hanging(Flaky):
            async def probe(self) -> None:
                await asyncio.Event().wait()

        bucket: Any = Hanging(world.bucket, "", [])
        with pytest.raises(GroundLost, match="bucket: no answer within"):
            await process_next(replace(world.ports, bucket=bucket))

        assert (await world.job(file)).attempts == 0

    @pytest.mark.parametrize("kind", [BrokenPicture, NotAPicture, OverLimit])
    async def test_is_not_asked_about_what_the_picture_is(self, world: World, kind: type[EditQueueError]) -> None:
        [file] = await world.submitted(1)
        world.images.error, world.images.lost = kind("kaputt"), ImageWorkerDied("away")

        await process_next(world.ports)

        assert (await world.job(file)).status == "failed"

    async def test_a_defect_in_a_probe_is_seen_and_stops_nothing(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error, world.images.lost = StorageUnavailable("503"), TypeError("a bug")

        end = await process_next(world.ports)

        assert isinstance(end, Retry)
        assert [type(error) for _, error in world.journal.errors] == [TypeError, StorageUnavailable]
        assert (await world.job(file)).attempts == 1

    async def test_told_to_stop_while_it_is_asked_it_hands_back_unspent(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = StorageUnavailable("503")
        asked = asyncio.Event()

        class Hanging(Flaky):
            async def probe(self) -> None:
                asked.set()
                await asyncio.Event().wait()

        store: Any = Hanging(world.store, "", [])
        working = asyncio.create_task(process_next(replace(world.ports, store=store)))
        await asked.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        assert ((await world.job(file)).status, (await world.job(file)).attempts) == ("queued", 0)

    async def test_a_job_is_handed_back_once_the_database_is_there_again(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = StorageUnavailable("503")
        away = [failing(StorageUnavailable("no route"))]
        inner: Any = Flaky(world.store, "probe", [*away])
        store: Any = Flaky(inner, "release", away * 3)

        with pytest.raises(GroundLost, match=r"^database: "):
            await process_next(replace(world.ports, store=store))

        assert ((await world.job(file)).status, (await world.job(file)).attempts) == ("queued", 0)


class TestDefects:
    """Errors that nobody raised on purpose."""

    @pytest.mark.parametrize("port", ["bucket", "images"])
    async def test_end_the_attempt_as_an_internal_error_and_are_seen_as_themselves(
        self, world: World, port: str
    ) -> None:
        [file] = await world.submitted(1)
        method = {"bucket": "copy", "images": "make_preview"}[port]
        broken: Any = Flaky(getattr(world.ports, port), method, [failing(TypeError("a bug"))])

        end = await process_next(replace(world.ports, **{port: broken}))

        job = await world.job(file)
        [(job_id, error)] = world.journal.errors
        assert isinstance(end, Retry)
        assert (job_id, type(error)) == (job.id, TypeError)
        assert (job.status, job.error) == ("queued", "internal_error: TypeError: a bug")
        assert (await world.file(file)).locked is False

    async def test_while_the_result_is_written_leave_the_job_to_the_sweep(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Flaky(world.store, "finish", [failing(TypeError("a bug"))])

        with pytest.raises(TypeError):  # the consumer waits before it takes the next one
            await process_next(replace(world.ports, store=store))

        [(job_id, error)] = world.journal.errors
        assert (job_id, type(error)) == ((await world.job(file)).id, TypeError)
        assert (await world.job(file)).status == "in_progress"
        assert world.pause.waits == []

    async def test_while_the_job_is_given_back_are_seen(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        store: Any = Flaky(world.store, "release", [failing(TypeError("a bug"))])
        working = asyncio.create_task(process_next(replace(world.ports, store=store)))
        await world.images.entered.wait()

        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        [(job_id, error)] = world.journal.errors
        assert (job_id, type(error)) == ((await world.job(file)).id, TypeError)


class TestPlaceholder:
    async def test_a_format_without_a_tool_gets_an_identical_copy_and_a_warning(self, world: World) -> None:
        [file] = await world.submitted(1, name="film.mov", content_type="video/quicktime")
        world.images.error = NoToolForFormat("quicktime")

        outcome = await process_next(world.ports)

        preview = keys_of(file).preview
        assert outcome is not None
        assert outcome.result == "done"
        assert await world.bucket.read(preview) == original(file)
        assert (await world.bucket.head(preview)).content_type == "video/quicktime"
        assert world.journal.warnings == ["placeholder_preview"]
        assert (await world.file(file)).preview_url == f"r2://piximmo-media/{preview}"


class TestCancelled:
    async def test_hands_the_job_back_unspent(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        working = asyncio.create_task(process_next(world.ports))
        await world.images.entered.wait()

        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        after, job = await world.file(file), await world.job(file)
        assert (job.status, job.attempts) == ("queued", 0)
        assert (after.status, after.locked) == ("queued", False)
        assert world.journal.causes() == ["claim", "hand_back"]

    async def test_hands_back_a_job_that_it_was_just_claiming(self, world: World) -> None:
        [file] = await world.submitted(1)
        claimed, go_on = asyncio.Event(), asyncio.Event()

        class SlowToAnswer(Flaky):
            async def claim_next(self, **facts: Any) -> Any:
                claim = await world.store.claim_next(**facts)
                claimed.set()
                await go_on.wait()
                return claim

        store: Any = SlowToAnswer(world.store, "", [])
        working = asyncio.create_task(process_next(replace(world.ports, store=store)))
        await claimed.wait()

        working.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await working

        assert ((await world.job(file)).status, (await world.job(file)).attempts) == ("queued", 0)
        assert (await world.file(file)).locked is False

    async def test_a_result_that_is_just_being_written_stands_and_is_told(self, world: World) -> None:
        [file] = await world.submitted(1)
        writing, go_on = asyncio.Event(), asyncio.Event()

        class SlowToFinish(Flaky):
            async def finish(self, claim: Claim, **facts: Any) -> None:
                writing.set()
                await go_on.wait()
                await world.store.finish(claim, **facts)

        store: Any = SlowToFinish(world.store, "", [])
        working = asyncio.create_task(process_next(replace(world.ports, store=store)))
        await writing.wait()

        working.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await working

        assert (await world.job(file)).status == "done"
        assert world.journal.causes() == ["claim", "finish"]
        assert [one.result for one in world.journal.attempts] == ["done"]

    @pytest.mark.parametrize("times", [2, 3])
    async def test_again_and_again_it_still_gives_the_job_back(self, world: World, times: int) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        working = asyncio.create_task(process_next(world.ports))
        await world.images.entered.wait()

        for _ in range(times):
            working.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await working

        job = await world.job(file)
        assert (job.status, job.attempts) == ("queued", 0)
        assert world.journal.causes() == ["claim", "hand_back"]

    async def test_by_the_end_of_the_event_loop_it_gives_the_job_back(self, world: World) -> None:
        """`asyncio.run` cancels every task by itself when the program ends by an error."""
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        before = asyncio.all_tasks()
        working = asyncio.create_task(process_next(world.ports))
        await world.images.entered.wait()

        for task in asyncio.all_tasks() - before:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        job = await world.job(file)
        assert (job.status, job.attempts) == ("queued", 0)

    async def test_before_its_edit_began_it_touches_no_object(self, world: World) -> None:
        [file] = await world.submitted(1)
        before = await world.objects()
        working: asyncio.Task[Any] | None = None

        class CancelledByTheClaim(Flaky):
            async def claim_next(self, **facts: Any) -> Any:
                claim = await world.store.claim_next(**facts)
                assert working is not None
                working.cancel()
                await asyncio.sleep(0)
                return claim

        store: Any = CancelledByTheClaim(world.store, "", [])
        working = asyncio.create_task(process_next(replace(world.ports, store=store)))
        with pytest.raises(asyncio.CancelledError):
            await working

        assert await world.objects() == before
        assert (await world.file(file)).locked is False


class TestLate:
    @pytest.mark.parametrize("error", [None, NoToolForFormat("quicktime")])
    async def test_a_worker_whose_lease_is_over_publishes_nothing(self, world: World, error: Exception | None) -> None:
        [file] = await world.submitted(1)
        late = FakeImages()
        late.gate, late.error = asyncio.Event(), error
        working = asyncio.create_task(process_next(replace(world.ports, images=late)))
        await late.entered.wait()
        world.clock.advance(timedelta(minutes=15))
        await world.bucket.write(keys_of(file).preview, b"of another worker", content_type="image/jpeg")

        late.gate.set()
        await working

        assert await world.bucket.read(keys_of(file).preview) == b"of another worker"
        [(_, reason)] = world.journal.errors
        assert isinstance(reason, JobTimedOut)


@dataclass
class Lock:
    """By which others know that the consumer lives."""

    held_as: str | None = "me"
    losses: int = 0
    consumer: str = "me"

    def lose(self, *, comes_back: bool) -> None:
        self.losses += 1
        self.held_as = self.consumer if comes_back else None

    def hold(self) -> Any:
        raise AssertionError("it is held")

    async def next_look(self) -> None:
        raise AssertionError("nobody looks")


class TestLostLock:
    """A consumer without a lock seems to be gone. Others may have its job by the time it has a preview."""

    @pytest.fixture
    def lock(self) -> Lock:
        return Lock()

    async def _working(self, world: World, lock: Lock, **ports: Any) -> asyncio.Task[Any]:
        """Held up where the preview is made."""
        late = FakeImages()
        late.gate = world.images.gate = asyncio.Event()
        working = asyncio.create_task(process_next(replace(world.ports, holder=lock, images=late, **ports)))
        await late.entered.wait()
        return working

    async def _go_on(self, world: World, working: asyncio.Task[Any]) -> Any:
        assert world.images.gate is not None
        world.images.gate.set()
        return await working

    @pytest.mark.parametrize("comes_back", [True, False])
    async def test_with_its_lock_it_lost_its_job_and_publishes_nothing(
        self, world: World, lock: Lock, comes_back: bool
    ) -> None:
        [file] = await world.submitted(1)
        working = await self._working(world, lock)
        lock.lose(comes_back=comes_back)
        await world.store.rescue(started_before=LATER, max_retries=3, message="m", now=NOON)
        other = await claim(world.store)
        await world.bucket.write(keys_of(file).preview, b"of another worker", content_type="image/jpeg")
        await world.store.finish(other, preview_url=URL, bytes_copied=7, now=NOON)
        before = await world.job(file)

        assert isinstance(await self._go_on(world, working), Lost)
        assert await world.bucket.read(keys_of(file).preview) == b"of another worker"
        assert await world.job(file) == before

    @pytest.mark.parametrize("comes_back", [True, False])
    async def test_a_job_that_nobody_took_meanwhile_is_done(self, world: World, lock: Lock, comes_back: bool) -> None:
        [file] = await world.submitted(1)
        working = await self._working(world, lock)
        lock.lose(comes_back=comes_back)

        assert isinstance(await self._go_on(world, working), Done)
        assert (await world.job(file)).attempts == 1
        assert keys_of(file).preview in await world.objects()

    async def test_a_restart_of_the_database_costs_it_nothing(self, world: World, lock: Lock) -> None:
        [file] = await world.submitted(1)
        store: Any = Flaky(world.store, "job", [failing(StorageUnavailable("away"))] * 3)
        working = await self._working(world, lock, store=store)
        lock.lose(comes_back=False)

        assert isinstance(await self._go_on(world, working), Done)
        assert (await world.job(file)).attempts == 1
        assert world.journal.errors == []

    async def test_a_database_that_stays_away_gets_the_job_back_unspent(self, world: World, lock: Lock) -> None:
        [file] = await world.submitted(1)
        away = failing(StorageUnavailable("away"))
        store: Any = Flaky(Flaky(world.store, "job", [away] * 99_999), "probe", [away])
        limits = replace(world.ports.limits, job_timeout=timedelta(milliseconds=50))
        working = await self._working(world, lock, store=store, limits=limits)
        lock.lose(comes_back=False)

        with pytest.raises(GroundLost):
            await self._go_on(world, working)
        job = await world.job(file)
        assert (job.status, job.attempts) == ("queued", 0)
        assert keys_of(file).preview not in await world.objects()

    async def test_as_long_as_it_is_held_nobody_is_asked(self, world: World, lock: Lock) -> None:
        await world.submitted(1)
        store: Any = Flaky(world.store, "job", [failing(AssertionError("asked"))])

        assert isinstance(await process_next(replace(world.ports, store=store, holder=lock)), Done)

    async def test_a_claim_that_names_nobody_has_its_age_alone(self, world: World, lock: Lock) -> None:
        await world.submitted(1)
        lock.held_as = None
        store: Any = Flaky(world.store, "job", [failing(AssertionError("asked"))])
        working = await self._working(world, lock, store=store)
        lock.lose(comes_back=True)

        assert isinstance(await self._go_on(world, working), Done)


class TestSettling:
    async def test_a_lost_claim_changes_nothing(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        working = asyncio.create_task(process_next(world.ports))
        await world.images.entered.wait()
        await world.store.rescue(started_before=LATER, max_retries=3, message="{name}", now=LATER)
        before = (await world.file(file), await world.job(file))

        world.images.gate.set()
        outcome = await working

        assert outcome is not None
        assert outcome.result == "claim_lost"
        assert (await world.file(file), await world.job(file)) == before
        assert await world.notes() == []
        assert world.journal.warnings == ["claim_lost"]
        assert world.journal.causes() == ["claim"]

    @pytest.mark.parametrize("times", [1, len(SETTLE_WAITS) - 1])
    async def test_a_database_that_is_away_is_waited_for(self, world: World, times: int) -> None:
        [file] = await world.submitted(1)
        store: Any = Flaky(world.store, "finish", [failing(StorageUnavailable("away"))] * times)

        outcome = await process_next(replace(world.ports, store=store))

        assert outcome is not None
        assert outcome.result == "done"
        assert (await world.file(file)).status == "done"
        assert world.pause.waits == [*SETTLE_WAITS[:times]]
        assert len(world.images.calls) == 1

    @pytest.mark.parametrize("method", ["finish", "fail", "retry_later"])
    async def test_a_result_whose_answer_was_lost_is_told_as_it_stands(self, world: World, method: str) -> None:
        [file] = await world.submitted(1)
        world.images.error = {"fail": BrokenPicture("kaputt"), "retry_later": StorageUnavailable("503")}.get(method)

        outcome = await process_next(replace(world.ports, store=answers_lost(world.store, method)))

        job = await world.job(file)
        cause = "retry" if method == "retry_later" else method
        assert outcome is not None
        assert outcome.result == {"finish": "done"}.get(method, job.status if method == "fail" else "retry")
        assert world.journal.causes() == ["claim", cause]
        assert [one.result for one in world.journal.attempts] == [outcome.result]
        assert world.journal.warnings == []
        assert len(world.images.calls) == 1

    async def test_cancelled_while_the_database_is_away_it_tells_what_stands(self, world: World) -> None:
        [file] = await world.submitted(1)
        waiting = asyncio.Event()

        async def pause(_seconds: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        ports = replace(world.ports, store=answers_lost(world.store, "finish"), pause=pause)
        working = asyncio.create_task(process_next(ports))
        await waiting.wait()

        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        assert (await world.job(file)).status == "done"
        assert world.journal.causes() == ["claim", "finish"]

    async def test_a_database_that_stays_away_leaves_the_job_to_the_sweep(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Flaky(world.store, "finish", [failing(StorageUnavailable("away"))] * 999)
        limits = replace(world.ports.limits, settle_for=timedelta(seconds=60))

        await process_next(replace(world.ports, store=store, limits=limits))

        assert (await world.job(file)).status == "in_progress"
        assert world.journal.warnings == ["left_to_the_sweep"]
        assert world.journal.pauses == ["paused database"], "it is not over"

    async def test_an_outage_longer_than_a_job_may_take_costs_nothing_if_nobody_else_took_it(
        self, world: World
    ) -> None:
        [file] = await world.submitted(1)
        store: Any = Flaky(world.store, "finish", [failing(StorageUnavailable("away"))] * 1999)

        await process_next(replace(world.ports, store=store))

        job = await world.job(file)
        assert world.clock.now() - NOON > world.ports.limits.stale_after
        assert (job.status, job.attempts) == ("done", 1)

    async def test_a_long_outage_is_told_by_one_error_and_one_pause(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Flaky(world.store, "finish", [failing(StorageUnavailable("away"))] * 99)

        await process_next(replace(world.ports, store=store))

        assert (await world.file(file)).status == "done"
        assert len(world.journal.errors) == 1
        assert world.journal.pauses == ["paused database", "resumed database"]

    async def test_a_database_that_is_away_at_the_claim_is_told_to_the_caller(self, world: World) -> None:
        await world.submitted(1)
        store: Any = Flaky(world.store, "claim_next", [failing(StorageUnavailable("away"))])

        with pytest.raises(StorageUnavailable):
            await process_next(replace(world.ports, store=store))

        assert world.journal.moves == []

    async def test_a_hand_back_after_the_claim_was_lost_is_quiet(self, world: World) -> None:
        await world.submitted(1)
        world.images.gate = asyncio.Event()
        store: Any = Flaky(world.store, "release", [failing(ClaimLost("late"))])
        working = asyncio.create_task(process_next(replace(world.ports, store=store)))
        await world.images.entered.wait()

        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        assert world.journal.causes() == ["claim"]
