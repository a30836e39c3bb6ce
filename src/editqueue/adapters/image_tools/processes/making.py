"""One picture on its way: through a worker, and through another where that one was killed."""

import _thread
import signal
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

from editqueue.adapters.image_tools.processes.image_worker import FORK_SERVER_DIED, ImageWorker, WorkerEnded
from editqueue.adapters.image_tools.processes.worker import Picture
from editqueue.domain.errors import EditQueueError, ImageWorkerDied, NoImageWorker, OverLimit
from editqueue.ports.image_tools import Preview

BEGINNINGS: Final = 3
"""Of one picture at most: somebody may kill its worker twice before it counts against the picture."""


class Making:
    """Runs in a thread of its own. `stop` may be called from any other."""

    def __init__(self, picture: Picture, idle: list[ImageWorker]) -> None:
        """Takes a worker out of `idle`, or starts one; a worker that can go on is put there."""
        self.future = Future[Preview]()
        self._picture = picture
        self._idle = idle
        self._lock = threading.Lock()
        self._worker: ImageWorker | None = None
        self._stopped = False

    def start(self) -> None:
        """`future` then gets what `ImageTools.make_preview` returns or raises."""
        self.future.set_running_or_notify_cancel()  # whoever awaits it cannot cancel it any more, but stop it
        try:
            # Not threading.Thread: its start waits for ever for a thread that dies of a lack of memory before it runs.
            _thread.start_new_thread(self._run, ())
        except (RuntimeError, MemoryError) as error:  # so Python says that the system gives no thread
            self.future.set_exception(_cannot_start(error))

    def stop(self) -> None:
        """End it now: its worker is killed. Nothing happens to one that has ended."""
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.kill()

    def _run(self) -> None:
        try:
            preview = self._made()
        except BaseException as error:  # noqa: BLE001  # whoever awaits the future gets it
            self.future.set_exception(error)
        else:
            self.future.set_result(preview)

    def _made(self) -> Preview:
        for begun in range(1, BEGINNINGS + 1):
            try:
                return self._begin()
            except WorkerEnded as ended:
                if begun == BEGINNINGS or not ended.from_outside:
                    raise self._why(ended) from ended
        raise AssertionError("the last beginning returns or raises")

    def _begin(self) -> Preview:
        if self._stopped:
            raise ImageWorkerDied("the image workers were stopped")
        worker = self._idle_worker() or self._new_worker()
        try:
            answer = self._answer(worker)
        except BaseException:
            worker.end()
            raise
        if worker.pictures < self._picture.limits.jobs_per_worker:
            self._idle.append(worker)
        else:
            worker.end()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _answer(self, worker: ImageWorker) -> Preview | BaseException:
        try:
            with self._killable(worker):
                return worker.make(self._picture)
        except (EOFError, OSError) as error:
            raise WorkerEnded(worker.exit_code(), starved=worker.starved) from error

    @contextmanager
    def _killable(self, worker: ImageWorker) -> Generator[None]:
        """Meanwhile a `stop` kills this one, at once if it came first. Not later: the id of a worker that has ended may
        soon be another process's."""
        with self._lock:
            self._worker = worker
            if self._stopped:
                worker.kill()
        try:
            yield
        finally:
            with self._lock:
                self._worker = None

    def _idle_worker(self) -> ImageWorker | None:
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return None
            if worker.idle_and_alive:
                return worker
            worker.end()

    def _new_worker(self) -> ImageWorker:
        try:
            return ImageWorker(self._picture.limits.memory_bytes)
        except (EOFError, ConnectionError) as error:
            raise WorkerEnded(FORK_SERVER_DIED) from error
        except (OSError, MemoryError) as error:
            raise _cannot_start(error) from error

    def _why(self, ended: WorkerEnded) -> EditQueueError:
        limits = self._picture.limits
        if ended.starved:
            return ImageWorkerDied(f"the image worker got no CPU time for {limits.wall_seconds:g} s")
        if ended.exit_code == -signal.SIGALRM:
            return OverLimit(f"not finished after {limits.wall_seconds:g} s")
        if ended.exit_code == -signal.SIGXCPU:
            return OverLimit(f"not finished after {limits.cpu_seconds} s of CPU time")
        return ImageWorkerDied(f"the image worker died (exit code {ended.exit_code})")


def _cannot_start(error: Exception) -> NoImageWorker:
    return NoImageWorker(f"the image workers cannot be started: {error}")
