"""The tag of a version: a digest of all that it is made from, so that one look tells whether the deployed one is it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from deploy.cloudflare.rollout.project import Project

TAG_LETTERS = 32
MADE = {"build", "python_modules", "node_modules"}
"""Folders beside the Worker that are made from the rest; those whose names begin with a dot are, too."""


def tag_of(project: Project, configuration: str) -> str:
    digest = hashlib.sha256(configuration.encode())
    for path in _sources(project):
        digest.update(f"\n{path.relative_to(project.root)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:TAG_LETTERS]


def _sources(project: Project) -> Iterator[Path]:
    """The Worker's Python, what bundles it, and the lock of its packages; this command is no part of it."""
    yield from sorted((project.root / "src" / "editqueue").rglob("*.py"))
    yield project.root / "devtools" / "cloudflare" / "package-lock.json"  # of the Python that compiles it
    for pattern in ("*.lock", "*.py", "*.mjs"):
        yield from sorted(project.folder.glob(pattern))
    for folder in sorted(path for path in project.folder.iterdir() if path.is_dir()):
        if folder.name not in MADE and not folder.name.startswith(".") and folder.name != "rollout":
            yield from sorted(folder.rglob("*.py"))
