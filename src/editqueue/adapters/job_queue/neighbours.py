"""Consumers in other processes of this machine: each has a socket in a folder beside the database.

The name of the socket says whether its process has an idle worker. A folder that cannot be written, a platform without
such sockets, or a process that is gone, cost nothing but time: whoever hears nothing polls, and tries again.
"""

import asyncio
import os
import random
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from editqueue.domain.ids import new_token

IDLE: Final = "idle-"
BUSY: Final = "busy-"
LONGEST_PATH: Final = 100
"""Bytes; the kernel takes 107 (unix(7))."""
LONGEST_MESSAGE: Final = 64
"""Bytes; the id of a job has 36."""
_SUPPORTED: Final = hasattr(socket, "AF_UNIX")


class Neighbours:
    """Those whose sockets are in `folder`, and this process among them once it has announced itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"{os.getpid()}-{new_token()[:8]}"  # two containers may share a process id
        self._receiver: socket.socket | None = None
        self._sender: socket.socket | None = None
        self._is_idle = False

    @property
    def is_heard(self) -> bool:
        """Whether the others see that a worker here is idle."""
        return self._is_idle and self._path(IDLE).exists()

    def announce(self, heard: Callable[[Sequence[str]], None]) -> bool:
        """Let the others see that a worker here is idle. `heard` gets the ids of the jobs that they tell of. False if
        they see it already, or cannot see it."""
        if not _SUPPORTED or self.is_heard:
            return False
        try:
            if self._is_idle or self._receiver is None:  # idle, and somebody has removed the socket
                self._stop_listening()
                self._receiver = self._listen(heard)
            self._path(BUSY).rename(self._path(IDLE))
        except OSError:
            self._stop_listening()  # whoever waits next tries again
            return False
        self._is_idle = True
        return True

    def withdraw(self) -> None:
        """No worker here is idle any more."""
        if self._is_idle:
            self._is_idle = False
            with suppress(OSError):
                self._path(IDLE).rename(self._path(BUSY))

    def tell(self, job_ids: Sequence[str]) -> Sequence[str]:
        """Wake an idle neighbour for each job; returns the jobs that nobody was there for."""
        if not job_ids or not _SUPPORTED:
            return job_ids
        names = self._idle_neighbours()
        untold: list[str] = []
        for job_id in job_ids:
            while names and not self._send(job_id, names[0]):
                names.pop(0)
            if names:
                names.append(names.pop(0))  # the next one's turn
            else:
                untold.append(job_id)
        return untold

    def close(self) -> None:
        self._stop_listening()
        if self._sender is not None:
            self._sender.close()

    def _stop_listening(self) -> None:
        receiver, self._receiver, self._is_idle = self._receiver, None, False
        if receiver is None:
            return
        asyncio.get_running_loop().remove_reader(receiver)
        receiver.close()
        for prefix in (IDLE, BUSY):
            with suppress(OSError):
                self._path(prefix).unlink()

    def _path(self, prefix: str) -> Path:
        return self._folder / f"{prefix}{self._name}"

    def _listen(self, heard: Callable[[Sequence[str]], None]) -> socket.socket:
        self._folder.mkdir(exist_ok=True)
        self._remove_the_dead()
        receiver = _new_socket()
        try:
            with self._address(self._path(BUSY).name) as address:
                receiver.bind(address)
        except OSError:
            receiver.close()
            raise
        asyncio.get_running_loop().add_reader(receiver, self._read, receiver, heard)
        return receiver

    def _read(self, receiver: socket.socket, heard: Callable[[Sequence[str]], None]) -> None:
        job_ids: list[str] = []
        with suppress(BlockingIOError):
            while True:
                job_ids.append(receiver.recv(LONGEST_MESSAGE).decode(errors="replace"))
        heard(job_ids)

    def _idle_neighbours(self) -> list[str]:
        try:
            all_names = [path.name for path in self._folder.iterdir()]
        except OSError:
            return []
        names = [name for name in all_names if name.startswith(IDLE) and not name.endswith(self._name)]
        random.shuffle(names)
        return names

    def _send(self, job_id: str, name: str) -> bool:
        """False where nobody takes it: the process is gone, busy since a moment ago, stopped, or somebody else's."""
        if self._sender is None:
            self._sender = _new_socket()
        try:
            with self._address(name) as address:
                self._sender.sendto(job_id.encode(), address)
        except OSError as error:
            self._remove_if_dead(name, error)
            return False
        return True

    def _remove_the_dead(self) -> None:
        for path in [*self._folder.glob(f"{IDLE}*"), *self._folder.glob(f"{BUSY}*")]:
            with _new_socket() as asking:
                try:
                    with self._address(path.name) as address:
                        asking.connect(address)
                except OSError as error:
                    self._remove_if_dead(path.name, error)

    def _remove_if_dead(self, name: str, error: OSError) -> None:
        if isinstance(error, ConnectionRefusedError):
            with suppress(OSError):
                (self._folder / name).unlink()

    @contextmanager
    def _address(self, name: str) -> Generator[str]:
        """A path that the kernel takes, however long that of the folder is. Raises OSError."""
        path = str(self._folder.absolute() / name)
        if len(os.fsencode(path)) <= LONGEST_PATH:
            yield path
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{name}"
        finally:
            os.close(folder)


def _new_socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)  # noqa: FBT003  # the name of the method says it
    return made
