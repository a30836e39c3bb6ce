"""How `make test` spreads the files of tests over its processes: what takes longest begins first, and Cloudflare's
runtime, which needs half a minute to start, is started in one process only."""

from typing import Final

import pytest
from xdist.scheduler import LoadFileScheduling

WITH_THE_WORKER: Final = frozenset({
    "tests/adapters/bucket/test_cloudflare.py",
    "tests/adapters/image_tools/cloudflare/test_images.py",
    "tests/adapters/job_queue/cloudflare/test_binding.py",
    "tests/adapters/job_store/databases/test_d1.py",
    "tests/adapters/test_js_interop.py",
    "tests/contracts/test_bucket.py",
    "tests/contracts/test_image_tools.py",
    "tests/contracts/test_job_queue.py",
    "tests/contracts/test_job_store.py",
    "tests/contracts/test_job_store_operator.py",
    "tests/devtools/cloudflare/test_host.py",
    "tests/stories/test_both_halves.py",
    "tests/worker/deploy_command/test_end_to_end.py",
    "tests/worker/test_promises_on_d1.py",
    "tests/worker/test_stories.py",
})  # fmt: skip
SLOW: Final = (
    "tests/documents/",
    "tests/stories/",
    "tests/reliability/",
    "tests/entrypoints/",
    "tests/simulation/",
    "tests/worker/",
)
"""Folders whose tests start processes. Begun last, one of them would keep a single process busy at the end."""


class Spreading(LoadFileScheduling):
    """A file is the unit, as with `--dist loadfile`; all that start the Worker are one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "the Worker" if file in WITH_THE_WORKER else file


def in_order(items: list[pytest.Item]) -> None:
    """The files that take longest first, else as they were."""
    items.sort(key=lambda item: _rank(file_of(item)))


def _rank(file: str) -> int:
    if file in WITH_THE_WORKER:
        return 0
    return next((rank for rank, folder in enumerate(SLOW, start=1) if file.startswith(folder)), len(SLOW) + 1)


def file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
