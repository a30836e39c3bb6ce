"""Image workers hold no secret of the consumer's, and none of its output: what decodes hostile files has nothing to
give away, and what it prints stops nobody."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from devtools.pictures.samples import encoded, scene

SECRETS = {
    "JWT_SECRET": "hidden-1",
    "EDITQUEUE_DATABASE_URL": "postgresql://me:hidden-2@db/queue",
    "CLOUDFLARE_API_TOKEN": "hidden-3",
    "R2_SECRET_ACCESS_KEY": "hidden-4",
    "AWS_SECRET_ACCESS_KEY": "hidden-5",
    "PGPASSWORD": "hidden-6",
}
NEEDED = {"LC_ALL": "C.UTF-8", "HTTPS_PROXY": "http://127.0.0.1:9", "VIPS_WARNING": "1"}
CONSUMER = """
import asyncio, json, os, sys
from datetime import timedelta
from pathlib import Path
from devtools.storage import folder_readers
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.domain.errors import NotAPicture
from tests.adapters.image_tools.processes.test_pool import helpers, workers

class Telling:
    longest = timedelta(0)

    def open(self, key, *, waiting):
        raise NotAPicture(json.dumps(dict(os.environ)))

async def main(folder):
    before = dict(os.environ)
    files, telling = WorkerPool(folder_readers(Path(folder))), WorkerPool(Telling())
    preview = await files.make_preview("good.jpg")
    try:
        await telling.make_preview("good.jpg")
    except NotAPicture as told:
        inside = json.loads(str(told))
    processes = workers() | helpers("forkserver") | helpers("resource_tracker")
    started_with = [open(f"/proc/{process}/environ").read() for process in processes]
    output = [os.readlink(file) for process in processes for file in Path(f"/proc/{process}/fd").iterdir()]
    assert dict(os.environ) == before
    await files.close()
    await telling.close()
    print(json.dumps({"width": preview.width, "inside": inside, "started_with": started_with, "output": output,
        "own": [os.readlink(f"/proc/self/fd/{number}") for number in (1, 2)]}))

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(name="environment", scope="module")
def _environment() -> Mapping[str, str]:
    return {**os.environ, **SECRETS, **NEEDED, "PYTHONPATH": str(Path.cwd())}


@pytest.fixture(name="found", scope="module")
def _found(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What a consumer with secrets saw of its workers and their helpers."""
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "good.jpg").write_bytes(encoded(scene(640, 400)))
    script = folder / "consumer.py"
    script.write_text(CONSUMER)
    ended = subprocess.run(
        [sys.executable, script, folder], env=environment, capture_output=True, text=True, check=True
    )

    return json.loads(ended.stdout)


def test_workers_start_with_what_libraries_need_and_without_secrets(
    found: Mapping[str, Any], environment: Mapping[str, str]
) -> None:
    assert found["width"] == 640
    assert len(found["started_with"]) == 4
    for seen in (*found["started_with"], json.dumps(found["inside"])):
        assert "hidden" not in seen
        assert not [name for name in SECRETS if name in seen]
        assert all(value in seen for value in (*NEEDED, *NEEDED.values(), environment["PATH"]))


def test_nothing_that_workers_print_reaches_the_consumers_output(found: Mapping[str, Any]) -> None:
    assert not [file for file in found["output"] if file in found["own"]]
