"""Image workers hold no secret of the consumer's: what decodes hostile files has none to give away."""

import json
import os
import subprocess
import sys
from pathlib import Path

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
from multiprocessing import resource_tracker
from datetime import timedelta
from pathlib import Path
from devtools.storage import folder_readers
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.domain.errors import NotAPicture
from tests.adapters.image_tools.processes.test_pool import workers

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
    started_with = [open(f"/proc/{worker}/environ").read() for worker in workers()]
    tracker = resource_tracker._resource_tracker._pid
    started_with.append(open(f"/proc/{tracker}/environ").read())
    assert dict(os.environ) == before
    await files.close()
    await telling.close()
    print(json.dumps({"width": preview.width, "inside": inside, "started_with": started_with}))

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
"""


def test_workers_start_with_what_libraries_need_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(encoded(scene(640, 400)))
    script = tmp_path / "consumer.py"
    script.write_text(CONSUMER)
    environment = {**os.environ, **SECRETS, **NEEDED, "PYTHONPATH": str(Path.cwd())}

    ended = subprocess.run(
        [sys.executable, script, tmp_path], env=environment, capture_output=True, text=True, check=True
    )

    found = json.loads(ended.stdout)
    assert found["width"] == 640
    assert len(found["started_with"]) == 3
    for seen in (*found["started_with"], json.dumps(found["inside"])):
        assert "hidden" not in seen
        assert not [name for name in SECRETS if name in seen]
        assert all(value in seen for value in (*NEEDED, *NEEDED.values(), environment["PATH"]))
