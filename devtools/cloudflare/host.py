"""A Cloudflare on this machine for the length of a test run: workerd's D1, R2, Queues and Images through
miniflare, and the Worker's Python in Pyodide, which starts with the first event that needs it."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
DEPLOY = ROOT / "deploy" / "cloudflare"
PACKAGES = HERE / ".packages"
BUCKET = "piximmo-media"
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "testkey", "testsecretkey1234567890"
LOCK = DEPLOY / "requirements.lock"
PLATFORM = (
    *("--python-version", "3.14", "--implementation", "cp", "--abi", "cp314", "--abi", "none"),
    *("--platform", "pyemscripten_2026_0_wasm32", "--platform", "any"),
)
OLDEST_NODE = 20
PATIENCE = 240
"""Seconds; Python starts in 5 on a free machine, and in over 90 when twenty others want its cores."""


def missing(reason: str) -> NoReturn:
    """Loud where somebody works, an error where nobody looks."""
    if os.environ.get("CI"):
        pytest.fail(f"CI runs the tests of the Worker, always: {reason}", pytrace=False)
    pytest.skip(f"WORKER TESTS NOT RUN: {reason}")


def read_jsonc(path: Path) -> Any:
    """JSON with comments that begin a line or follow two spaces or a comma; ours do."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return json.loads("\n".join(line.partition("// ")[0] for line in lines))


def node() -> str:
    """The path of Node, with the packages of the lock file installed beside it."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        missing("Node and npm are not installed; on Debian: apt-get install nodejs npm")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        missing(f"Node is {version.strip()}, and {OLDEST_NODE} is the oldest that miniflare takes")
    with _alone():
        _install_npm_packages()
    return found


@contextmanager
def _alone() -> Generator[None]:
    """One test process installs, the others wait."""
    PACKAGES.mkdir(exist_ok=True)
    with (PACKAGES / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_npm_packages() -> None:
    stamp = PACKAGES / "npm"
    wanted = _digest(HERE / "package-lock.json")
    if stamp.is_file() and stamp.read_text() == wanted and (HERE / "node_modules").is_dir():
        return
    done = subprocess.run(["npm", "ci"], cwd=HERE, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        missing(f"npm ci failed in {HERE}: {done.stderr.strip()[-500:]}")
    stamp.write_text(wanted)


def python_packages() -> Path:
    """A folder with the Worker's dependencies, as Pyodide takes them; kept from run to run."""
    folder = PACKAGES / _digest(LOCK)
    with _alone():
        if not folder.is_dir():
            _install_python_packages(folder)
    return folder


def _install_python_packages(folder: Path) -> None:
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    wheels = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(LOCK), *PLATFORM]
    done = subprocess.run([*pip, *wheels, "--target", str(fresh)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"pip cannot get the Worker's packages: {done.stderr.strip()[-500:]}")
    fresh.rename(folder)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Cloudflare:
    gateway: str
    """Where the Worker answers, R2's S3 side besides, and the real bindings under /__test/."""
    control: str
    settings: Mapping[str, str]

    def client(self, **options: Any) -> httpx.AsyncClient:
        """For the gateway. No connection is used twice: workerd closes idle ones just when the next request leaves."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self.gateway, timeout=PATIENCE, limits=limits, **options)

    async def tell(self, what: str, **body: object) -> Any:
        """Ask the host itself: cron, send, fault, wait ..."""
        async with httpx.AsyncClient(base_url=self.control, timeout=PATIENCE) as http:
            answer = await http.post(f"/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def cloudflare() -> Generator[Cloudflare]:
    """Everything ends with the block."""
    program = node()
    config = read_jsonc(DEPLOY / "wrangler.jsonc")
    settings = {
        **config["vars"],
        "BUCKET_NAME": BUCKET,
        "JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "R2_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "R2_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }
    with tempfile.TemporaryDirectory(prefix="editqueue-worker-") as source:
        subprocess.run([sys.executable, str(DEPLOY / "bundle.py"), source], check=True)
        options = {
            "here": str(HERE),
            "source": source,
            "packages": str(python_packages()),
            "migrations": [str(path) for path in sorted((DEPLOY / "migrations").glob("*.sql"))],
            "consumer": _consumer(config),
            "settings": settings,
        }
        with _host(program, options) as said:
            yield Cloudflare(gateway=said["gateway"], control=said["control"], settings=settings)


def _consumer(config: Mapping[str, Any]) -> Mapping[str, object]:
    """What wrangler.jsonc says, in miniflare's words; its own defaults are not Cloudflare's."""
    [consumer] = config["queues"]["consumers"]
    return {
        "maxBatchSize": consumer["max_batch_size"],
        "maxBatchTimeout": consumer["max_batch_timeout"],
        "maxRetries": consumer["max_retries"],
        "deadLetterQueue": consumer["dead_letter_queue"],
    }


@contextmanager
def _host(program: str, options: Mapping[str, object]) -> Generator[Mapping[str, str]]:
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [program, "host.mjs", json.dumps(options)],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as host,
    ):
        assert host.stdin is not None
        assert host.stdout is not None
        try:
            line = host.stdout.readline()
            log.seek(0)
            assert line, f"the host did not start:\n{log.read()[-3000:]}"
            yield json.loads(line)
        finally:
            host.stdin.close()
            try:
                host.wait(10)
            except subprocess.TimeoutExpired:
                host.kill()
