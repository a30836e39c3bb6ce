"""A Cloudflare on this machine for the length of a test run: the Worker in workerd, the runtime behind Cloudflare
Workers, on miniflare's D1, R2, Queues and Images."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx

from deploy.cloudflare.rollout.project import read_template
from devtools.cloudflare.installation import DEPLOY, HERE, Installed, installed_worker

BUCKET: Final = "piximmo-media"
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "testkey", "testsecretkey1234567890"
PATIENCE: Final = 240
"""Seconds; it starts in 6 on a free machine, and in over 90 when twenty others want its cores."""
NETWORK_LOST: Final = "D1_ERROR: Network connection lost."
QUEUE_FULL: Final = "Queue sendBatch failed: Too Many Requests"
R2_BROKEN: Final = "put: We encountered an internal error. (10001)"
Call = Literal["batch", "sendBatch", "head", "get", "put", "copy", "delete", "list", "info", "output", "queue"]
"""What can be made to fail: a call of a binding (`copy` is a put of a stream), or the delivery of a batch."""


@dataclass(frozen=True, kw_only=True)
class Cloudflare:
    gateway: str
    """Where the Worker answers, R2's S3 side besides, and the real bindings under /__test/."""
    control: str
    settings: Mapping[str, str]
    log: Path
    """What workerd and the Worker wrote."""

    def client(self, **options: Any) -> httpx.AsyncClient:
        """For the gateway. No connection is used twice: workerd closes idle ones just when the next request leaves."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self.gateway, timeout=PATIENCE, limits=limits, **options)

    async def tell(self, what: str, **body: object) -> Any:
        """Ask the host itself: cron, send, rule, wait ..."""
        async with httpx.AsyncClient(base_url=self.control, timeout=PATIENCE) as http:
            answer = await http.post(f"/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def behind(self, operation: str, **body: object) -> Any:
        """Use a binding behind the Worker's back: d1, head or list."""
        async with self.client() as http:
            answer = await http.post(f"/__test/{operation}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def put_behind(self, key: str, body: bytes, **options: object) -> Any:
        headers = {"x-put": quote(json.dumps({"key": key, "options": options}))}
        async with self.client() as http:
            answer = await http.post("/__test/put", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fail(self, call: Call, error: str, *, where: str = "", times: int = 1) -> None:
        """The next `times` calls whose SQL or key contains `where` fail before they do anything."""
        await self.tell("rule", call=call, error=error, where=where, times=times)

    async def calls(self, call: Call) -> Sequence[Mapping[str, Any]]:
        """Those of this kind since the last `heal`: `text` is SQL or key, `size` how many statements or messages."""
        return [one for one in await self.tell("calls") if one["call"] == call]

    @asynccontextmanager
    async def healed(self) -> AsyncGenerator[None]:
        """Every call works before and after the block."""
        await self.tell("heal")
        yield
        await self.tell("heal")


@contextmanager
def cloudflare(*, faults: bool = True, variables: Mapping[str, str] | None = None) -> Generator[Cloudflare]:
    """Everything ends with the block. `variables` replace those of wrangler.jsonc. Without `faults`, bindings cost what
    they cost, and none of their calls fails."""
    with tempfile.TemporaryDirectory(prefix="editqueue-cloudflare-") as folder:
        log = Path(folder) / "log"
        given = {**settings(), **(variables or {})}
        with running(installed_worker(make_snapshot), log, faults=faults, settings=given) as said:
            yield Cloudflare(gateway=said["gateway"], control=said["control"], settings=given, log=log)


def make_snapshot(installed: Installed) -> None:
    """Run it once, and keep its memory as it is before the first event."""
    with tempfile.TemporaryDirectory(prefix="editqueue-snapshot-") as folder:
        with running(installed, Path(folder) / "log", snapshots=folder):
            pass
        # Whole or not at all: the folder may be on another disk, and a copy be cut off.
        fresh = installed.snapshot.with_suffix(".new")
        shutil.move(Path(folder) / installed.snapshot.name, fresh)
        fresh.rename(installed.snapshot)


def settings() -> Mapping[str, str]:
    return {
        **read_template(DEPLOY / "wrangler.jsonc")["vars"],
        "JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "R2_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "R2_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }


@contextmanager
def running(installed: Installed, log: Path, **more: object) -> Generator[Mapping[str, str]]:
    """The host process; what it says is where it listens."""
    options = {
        "wrangler": read_template(DEPLOY / "wrangler.jsonc"),
        "worker": str(installed.worker),
        "probe": str(HERE / "probe.py"),
        "migrations": [path.read_text(encoding="utf-8") for path in sorted((DEPLOY / "migrations").glob("*.sql"))],
        "settings": settings(),
        "pyodide": installed.pyodide.for_host(),
        "faults": True,
        **({"snapshot": str(installed.snapshot)} if installed.snapshot.is_file() else {}),
        **more,
    }
    with (
        log.open("w") as written,
        subprocess.Popen(
            [installed.node, "host.mjs", json.dumps(options)],
            cwd=HERE,
            env={**os.environ, "TMPDIR": str(log.parent)},  # removed by whoever made it, even when the host is killed
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        ) as host,
    ):
        assert host.stdin is not None
        assert host.stdout is not None
        try:
            line = host.stdout.readline()
            assert line, f"the host did not start:\n{log.read_text()[-3000:]}"
            yield json.loads(line)
        finally:
            host.stdin.close()
            try:
                host.wait(60)
            except subprocess.TimeoutExpired:
                host.kill()
