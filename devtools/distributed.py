"""The whole distributed system on this machine: PostgreSQL, SeaweedFS, the stand-in of Cloudflare Queues.

`make run-distributed` runs the demo on them with two more consumers and keeps serving until Ctrl-C (or, with
`--exit`, ends). Everything listens on loopback only, and everything it started ends with it, its data, too. With
EDITQUEUE_TEST_POSTGRES the database is made on that server instead.
"""

import argparse
import contextlib
import json
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from devtools.cloudflare_queue.server import cloudflare_queue_process
from devtools.installation import Installation, command
from devtools.postgres import postgres
from devtools.seaweed import seaweed

SETTINGS = ("EDITQUEUE_DATABASE_URL", "EDITQUEUE_BUCKET_URL", "EDITQUEUE_QUEUE")
"""The three that take the program from one machine to many."""
CONSUMERS = 2
GRACE = 40


@contextmanager
def engines(folder: Path) -> Generator[Mapping[str, str]]:
    """The settings of a fresh database, an empty bucket and an empty queue; all are gone at the end of the block."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        database = server.create()
        stack.callback(server.drop, database)
        bucket = folder / "seaweed"
        bucket.mkdir()
        yield {
            "EDITQUEUE_DATABASE_URL": server.url(database),
            **stack.enter_context(seaweed(bucket)).settings(),
            **stack.enter_context(cloudflare_queue_process(max_retries=10)).environment,
            "JWT_SECRET": secrets.token_hex(32),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumerProcess:
    process: "subprocess.Popen[bytes]"
    log: Path


@contextmanager
def consumers(here: Installation, count: int, logs: Path) -> Generator[Sequence[ConsumerProcess]]:
    """So many `editqueue consume`. At the end they finish the job they are at."""
    with ExitStack() as stack:
        yield [stack.enter_context(_consumer(here, logs / f"consumer-{number + 1}.log")) for number in range(count)]


@contextmanager
def _consumer(here: Installation, log: Path) -> Generator[ConsumerProcess]:
    with log.open("wb") as written, _ending(_start(here, ["consume"], stderr=written)) as process:
        yield ConsumerProcess(process=process, log=log)


def attempts(log: Path) -> int:
    """Attempts at jobs that the process with this log made."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return sum(json.loads(line)["event"] == "attempt" for line in lines if line.startswith("{"))


@contextmanager
def _ending(process: "subprocess.Popen[bytes]") -> Generator["subprocess.Popen[bytes]"]:
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(here: Installation, words: Sequence[str], *, stderr: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    # A session of its own: Ctrl-C at the terminal is for us, who end the others in their order.
    return subprocess.Popen(command(words), env=here.environment, stderr=stderr, start_new_session=True)


def run(photos: str | None, *, port: int, exit_at_end: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="editqueue-distributed-") as scratch:
        folder = Path(scratch)
        _say("Starting PostgreSQL, SeaweedFS and the stand-in of Cloudflare Queues ...")
        with engines(folder) as settings:
            here = Installation(folder / "data", settings)
            migrated = here.run("migrate")
            if migrated.code != 0:
                sys.exit(migrated.err)
            _tell(settings)
            with consumers(here, CONSUMERS, folder) as others:
                words = [
                    "demo",
                    "--port",
                    str(port),
                    *(["--exit", "--no-links"] if exit_at_end else []),  # what they lead to ends, too
                    *([photos] if photos else []),
                ]
                with _ending(_start(here, words)) as demo:
                    code = _wait(demo)
            counts = {"the demo's own consumer": attempts(folder / "data" / "demo.log")}
            counts |= {f"consumer {number}": attempts(one.log) for number, one in enumerate(others, 1)}
            _say(shared_out(counts))
            _say("PostgreSQL, SeaweedFS and the queue are taken down now, and the order with them.")
    return code


def shared_out(counts: Mapping[str, int]) -> str:
    """Who made how many attempts at jobs, in words; `counts` has the consumers by name."""
    shares = ", ".join(f"{name} made {count}" for name, count in counts.items())
    idle = [name for name, count in counts.items() if not count]
    why = (
        f" ({' and '.join(idle)} found nothing left: the others were quicker)"
        if idle and len(idle) < len(counts)
        else ""
    )
    return f"Of {sum(counts.values())} attempts at jobs, {shares}{why}."


def _tell(settings: Mapping[str, str]) -> None:
    _say("The three settings that change:")
    for name in SETTINGS:
        _say(f"  {name}={settings[name]}")
    _say("and what belongs to them:")
    for name in sorted(settings.keys() - set(SETTINGS)):
        _say(f"  {name}={settings[name]}")


def _wait(demo: "subprocess.Popen[bytes]") -> int:
    with contextlib.suppress(KeyboardInterrupt):
        return demo.wait()
    demo.send_signal(signal.SIGINT)
    with contextlib.suppress(KeyboardInterrupt):
        demo.wait(GRACE)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(prog="make run-distributed", description=__doc__)
    parser.add_argument("--port", type=int, default=8787)
    parser.add_argument("--exit", action="store_true", help="end when the sample order is done")
    parser.add_argument("photos", nargs="?", help="a folder with photos to take instead of generated ones")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        sys.exit(run(given.photos, port=given.port, exit_at_end=given.exit))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
