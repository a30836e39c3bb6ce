"""The tag of a version: a digest of all that it is made from, so that one look tells whether the deployed one is it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from deploy.cloudflare.rollout.project import Project

TAG_LETTERS = 32
OF_THE_BUNDLE = ("*.py", "*.lock", "pyproject.toml")


def tag_of(project: Project, configuration: str) -> str:
    digest = hashlib.sha256(configuration.encode())
    for path in _sources(project):
        digest.update(f"\n{path.relative_to(project.root)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:TAG_LETTERS]


def _sources(project: Project) -> Iterator[Path]:
    yield from sorted(path for pattern in OF_THE_BUNDLE for path in project.folder.glob(pattern))
    package = project.root / "src" / "editqueue"
    yield from sorted(path for path in package.rglob("*.py"))
