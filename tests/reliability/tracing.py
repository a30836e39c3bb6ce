"""`python tracing.py RECORD WORDS...`: runs a program, and writes down its calls that change files or answer somebody.

So does strace, and a line reads as one of its (-f -y -xx); this needs no program that a package manager brings. Linux
5.3 or newer, on x86-64 or ARM64. It ends when the program and all its children have ended, with the program's code.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

_WALL: Final = 0x40000000
"""Wait for threads, too."""
_TRACEME, _CONT, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 7, 24, 0x4200, 0x420E
_OPTIONS: Final = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x80 | 0x100000
"""Mark ends of calls, follow forks, vforks, clones and execs, stop where the filter says, end with the tracer."""
_EVENT_SECCOMP: Final = 7
_CALL_STOP: Final = signal.SIGTRAP | 0x80
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_AT_FDCWD: Final = -100
_LONGEST_PATH: Final = 4096
_DELETED: Final = b" (deleted)"
_INFO_BYTES, _INFO_HEAD = 88, 24
"""Of struct ptrace_syscall_info."""
_FLAGS: Final = {0o100: "O_CREAT", 0o1000: "O_TRUNC"}

_ARGUMENTS: Final[Mapping[str, str]] = {
    "open": "po", "creat": "pn", "openat": "dpon",
    "write": "db", "pwrite64": "dbn", "writev": "dnn", "pwritev": "dnnn", "pwritev2": "dnnn", "sendto": "db",
    "sendmsg": "dn", "ftruncate": "dn", "truncate": "pn", "fallocate": "dnnn", "lseek": "dnn",
    "copy_file_range": "dn", "sendfile": "dn", "sync_file_range": "dnn", "fsync": "d", "fdatasync": "d", "msync": "nn",
    "rename": "pp", "renameat": "dpdp", "renameat2": "dpdpn", "link": "pp", "linkat": "dpdpn", "unlink": "p",
    "unlinkat": "dpn", "rmdir": "p", "mkdir": "pn", "mkdirat": "dpn", "symlink": "pp", "symlinkat": "pdp",
}  # fmt: skip
"""What each call takes: d a descriptor, p a path, o the flags of an opening, b bytes and their count, n a number."""
_X86_64: Final[Mapping[str, int]] = {
    "open": 2, "creat": 85, "openat": 257, "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "pwritev2": 328,
    "sendto": 44, "sendmsg": 46, "ftruncate": 77, "truncate": 76, "fallocate": 285, "lseek": 8, "copy_file_range": 326,
    "sendfile": 40, "sync_file_range": 277, "fsync": 74, "fdatasync": 75, "msync": 26, "rename": 82, "renameat": 264,
    "renameat2": 316, "link": 86, "linkat": 265, "unlink": 87, "unlinkat": 263, "rmdir": 84, "mkdir": 83,
    "mkdirat": 258, "symlink": 88, "symlinkat": 266,
}  # fmt: skip
_ARM64: Final[Mapping[str, int]] = {
    "openat": 56, "write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "pwritev2": 287, "sendto": 206,
    "sendmsg": 211, "ftruncate": 46, "truncate": 45, "fallocate": 47, "lseek": 62, "copy_file_range": 285,
    "sendfile": 71, "sync_file_range": 84, "fsync": 82, "fdatasync": 83, "msync": 227, "renameat": 38, "renameat2": 276,
    "linkat": 37, "unlinkat": 35, "mkdirat": 34, "symlinkat": 36,
}  # fmt: skip
_NUMBERS: Final = {"x86_64": _X86_64, "aarch64": _ARM64}
"""Of the calls, from the kernel's tables (asm/unistd.h)."""

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _ptrace(request: int, thread: int, address: int = 0, data: int = 0) -> int:
    return _checked(_libc.ptrace(request, thread, address, data))


def _become_traced(words: Sequence[str], numbers: Sequence[int]) -> None:
    """In the child: stop for the tracer, let the kernel choose the calls it shall see, and become the program."""
    steps = [(_LOAD, 0, 0, 0)]
    steps += [(_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _TRACE)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    described = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(program)))
    _ptrace(_TRACEME, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(_libc.prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(described), 0, 0))
    os.execvp(words[0], [*words])


@dataclass(kw_only=True)
class Tracer:
    record: IO[str]
    names: Mapping[int, str]
    """Of the calls, by number."""
    begun: dict[int, str] = field(default_factory=dict[int, str])
    """The call that a thread is in."""
    known: set[int] = field(default_factory=set[int])

    def follow(self, program: int) -> int:
        """Until nobody is left; the program's exit code, as a shell tells it where a signal ended it."""
        os.waitpid(program, 0)
        _ptrace(_SETOPTIONS, program, 0, _OPTIONS)
        self.known.add(program)
        self._resume(_CONT, program)
        code = 0
        while True:
            try:
                thread, status = os.waitpid(-1, _WALL)
            except ChildProcessError:
                return code
            if os.WIFSTOPPED(status):
                self._stopped(thread, os.WSTOPSIG(status), status >> 16)
            elif thread == program:
                code = os.waitstatus_to_exitcode(status)
                code = code if code >= 0 else 128 - code

    def _stopped(self, thread: int, reason: int, event: int) -> None:
        if event == _EVENT_SECCOMP:
            self._begins(thread)
            self._resume(_SYSCALL, thread)
            return
        if reason == _CALL_STOP:
            self._ends(thread)
        is_ours = event or reason == _CALL_STOP or (reason == signal.SIGSTOP and thread not in self.known)
        self.known.add(thread)
        self._resume(_CONT, thread, 0 if is_ours else reason)

    def _begins(self, thread: int) -> None:
        number, *values = _asked(thread, "=7Q")
        name = self.names[number]
        self.begun[thread] = name
        self.record.write(f"{thread} {name}({', '.join(_shown(thread, _ARGUMENTS[name], values))} <unfinished ...>\n")

    def _ends(self, thread: int) -> None:
        [result] = _asked(thread, "=q")
        name = self.begun.pop(thread)
        opened = f"<{_hex(_open_path(thread, result))}>" if name in {"open", "openat", "creat"} and result >= 0 else ""
        self.record.write(f"{thread} <... {name} resumed>) = {max(result, -1)}{opened}\n")

    def _resume(self, request: int, thread: int, deliver: int = 0) -> None:
        try:
            _ptrace(request, thread, 0, deliver)
        except OSError as error:
            if error.errno != errno.ESRCH:  # killed meanwhile
                raise


def _asked(thread: int, layout: str) -> Sequence[int]:
    """Of the kernel, about the call that a thread is in: its number and arguments, or its result."""
    info = ctypes.create_string_buffer(_INFO_BYTES)
    _ptrace(_GET_SYSCALL_INFO, thread, len(info), ctypes.addressof(info))
    return struct.unpack_from(layout, info, _INFO_HEAD)


def _shown(thread: int, kinds: str, values: Sequence[int]) -> Iterator[str]:
    remaining = iter(values)
    for kind in kinds:
        value = next(remaining)
        if kind == "d":
            yield _descriptor(thread, ctypes.c_int(value).value)
        elif kind == "p":
            path = _path_at(thread, value)
            yield f'"{_hex(path if "d" in kinds else _below_cwd(thread, path))}"'
        elif kind == "b":
            count = next(remaining)
            yield f'"{_hex(_memory(thread, value, count))}", {count}'
        elif kind == "o":
            yield "|".join(["O_CLOEXEC", *(name for flag, name in _FLAGS.items() if value & flag)])
        else:
            yield str(ctypes.c_longlong(value).value)


def _descriptor(thread: int, number: int) -> str:
    if number == _AT_FDCWD:
        return f"AT_FDCWD<{_hex(_below_cwd(thread, b''))}>"
    path = _open_path(thread, number)
    whole = path.removesuffix(_DELETED)
    return f"{number}<{_hex(whole)}>{'(deleted)' if whole != path else ''}"


def _below_cwd(thread: int, path: bytes) -> bytes:
    return os.path.join(bytes(Path(f"/proc/{thread}/cwd").readlink()), path)  # noqa: PTH118  # a name of any bytes


def _open_path(thread: int, descriptor: int) -> bytes:
    try:
        return bytes(Path(f"/proc/{thread}/fd/{descriptor}").readlink())
    except FileNotFoundError:  # no such descriptor: the call will fail
        return b""


def _memory(thread: int, address: int, count: int) -> bytes:
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(count)


def _path_at(thread: int, address: int) -> bytes:
    """Up to the zero byte; it may lie at the end of what can be read."""
    page = 4096 - address % 4096
    text = _memory(thread, address, page)
    if b"\0" not in text:
        text += _memory(thread, address + page, _LONGEST_PATH)
    return text.partition(b"\0")[0]


def _hex(text: bytes) -> str:
    return "\\x" + text.hex("-").replace("-", "\\x") if text else ""


def main(record: str, *words: str) -> int:
    numbers = _NUMBERS.get(platform.machine())
    if platform.system() != "Linux" or numbers is None:
        sys.exit(f"calls are recorded on Linux alone, on {' and '.join(_NUMBERS)}")
    program = os.fork()
    if program == 0:
        _become_traced(words, [*numbers.values()])
    with Path(record).open("w", encoding="ascii") as file:
        return Tracer(record=file, names={number: name for name, number in numbers.items()}).follow(program)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
