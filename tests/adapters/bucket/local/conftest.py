"""A bucket in an empty folder."""

from pathlib import Path

import pytest

from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.wiring.system_clock import SystemClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


@pytest.fixture
def bucket(folder: Path) -> LocalBucket:
    return LocalBucket(folder, signer=UrlSigner(secret="s" * 32, clock=SystemClock()))
