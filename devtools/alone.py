"""`python alone.py LOCK_FILE COMMAND...`: the command, when no other one runs that was given this file.

For make, before there is a .venv. macOS has no program `flock`.
"""

import fcntl
import os
import sys


def run_alone(lock_file: str, command: list[str]) -> None:
    """Become `command`, which keeps the lock until it and all that it has started have ended, however they end."""
    lock = os.open(lock_file, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write("another make is installing at this moment; waiting for it\n")
        sys.stderr.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    run_alone(sys.argv[1], sys.argv[2:])
