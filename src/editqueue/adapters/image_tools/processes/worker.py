"""What runs in a worker process: it prepares itself once, then makes one preview after the other."""

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.processes.limits import TimeLimit, WorkerLimits, allow_cpu, allow_memory
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import ImageWorkerDied, OverLimit, ProcessingError
from editqueue.ports.bucket import ByteSources
from editqueue.ports.image_tools import Preview

READY = ""
PR_SET_PDEATHSIG = 1
M_MMAP_THRESHOLD = -3
LARGE = 1024 * 1024
"""Bytes of an allocation that goes back to the system when it is freed: on six HEICs that is 164 MB or 117."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What a worker is asked for: the preview of the object at `key`."""

    sources: ByteSources
    key: str
    limits: WorkerLimits


def serve(pipe: Connection, memory_bytes: int, consumer: int) -> None:
    """The life of a worker. It says that it is ready, or why it is not; then each `Picture` is answered with its
    preview or the error. `consumer` is the id of the process that is served."""
    try:
        prepare_worker(memory_bytes, consumer)
    except Exception as error:  # noqa: BLE001  # whatever it is, only the consumer can tell people
        pipe.send(f"{type(error).__name__}: {error}")
        return
    with contextlib.suppress(EOFError, ConnectionError):  # the consumer has closed the pipe
        pipe.send(READY)
        while True:
            _send(pipe, _answer(pipe.recv()))


def _answer(picture: Picture) -> Preview | BaseException:
    try:
        return make_preview(picture)
    except BaseException as error:  # noqa: BLE001  # the consumer raises it
        error.add_note(f"In the image worker:\n{traceback.format_exc()}")  # a pickle keeps no traceback
        return error


def _send(pipe: Connection, answer: Preview | BaseException) -> None:
    try:
        pipe.send(answer)
    except (pickle.PicklingError, TypeError, AttributeError) as error:  # an exception that holds what cannot travel
        pipe.send(error)


def prepare_worker(memory_bytes: int, consumer: int) -> None:
    """Before the first job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with(consumer)
    _libc("mallopt", M_MMAP_THRESHOLD, LARGE)
    vips()
    allow_memory(memory_bytes)


def make_preview(picture: Picture) -> Preview:
    """One job. Raises as `ImageTools.make_preview` does."""
    allow_cpu(picture.limits.cpu_seconds)
    limit = TimeLimit(picture.limits.wall_seconds)
    source = picture.sources.open(picture.key, waiting=limit.waiting)
    try:
        return replace(render_preview(source, limits=picture.limits.pixels), etag=source.etag)
    except ProcessingError as error:
        error.etag = source.etag
        raise
    except MemoryError as error:
        raise OverLimit(f"needs more than {picture.limits.memory_bytes} bytes of memory") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of the storage client; cannot be pickled
            raise ImageWorkerDied("the storage client in the image worker failed") from error
        raise
    finally:
        limit.end()
        _libc("malloc_trim", 0)


def _end_with(consumer: int) -> None:
    """Follow a consumer that was SIGKILLed, also in the middle of a job.

    PR_SET_PDEATHSIG alone is not enough: our parent is the fork server, and it lives as long as any worker
    holds the pipe to it, which every worker inherits. So a thread waits for the end of the consumer itself.
    """
    _libc("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_after_consumer, daemon=True).start()
    try:
        os.kill(consumer, 0)
    except ProcessLookupError:  # gone before the thread could wait for it
        os._exit(0)


def _end_after_consumer() -> None:
    consumer = multiprocessing.parent_process()
    if consumer is not None:
        consumer.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _libc(function: str, *arguments: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # elsewhere than on Linux with glibc they are missing
        getattr(ctypes.CDLL(None), function)(*arguments)
