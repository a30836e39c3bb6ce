"""The Worker's packages as they are uploaded: without what it never imports, and compiled."""

import shutil
from pathlib import Path

from build_tools import HERE, KEPT, LOCK, NPM, compile_python, digest, install_packages

LEFT_OUT = (
    # For people, tools and installers. A .dist-info keeps its METADATA, where the runtime's SDK looks up versions,
    # and its entry points, by which OpenTelemetry finds its parts.
    *("bin", "*/.agents", "**/py.typed", "**/*.pyi", "**/*.pxd"),
    *(
        f"*.dist-info/{name}"
        for name in ("RECORD", "WHEEL", "INSTALLER", "REQUESTED", "licenses", "sboms", "top_level.txt")
    ),
    # Other databases, and ways to use one that the Worker does not: it writes SQL with SQLAlchemy's Core for D1. The
    # dialect of PostgreSQL stays, since the tables name its options and SQLAlchemy asks it whether they exist.
    *(f"sqlalchemy/dialects/{name}" for name in ("mysql", "mssql", "oracle")),
    *("sqlalchemy/orm", "sqlalchemy/testing"),
    *(f"sqlalchemy/ext/{name}" for name in ("asyncio", "declarative", "[abhimos]*.py")),
    # Tests and other event loops.
    *("anyio/_backends/_trio.py", "anyio/pytest_plugin.py", "anyio/_core/_asyncio_selector_thread.py"),
    *("pydantic/mypy.py", "pydantic/v1/mypy.py", "pydantic/v1/_hypothesis_plugin.py"),
    *("fastapi/testclient.py", "starlette/testclient.py", "structlog/twisted.py"),
)
READ_THEIR_OWN_SOURCE = ("anyio",)
"""Packages that look at their own source when they are imported, so that it has to be there."""


def compiled_packages() -> Path:
    """A folder with the packages, made at the first call for this lock file and kept."""
    makers = (
        LOCK,
        NPM / "package-lock.json",
        *(HERE / name for name in ("site_packages.py", "build_tools.py", "precompile.py")),
    )
    folder = KEPT / f"packages-{digest(makers)}"
    if not folder.is_dir():
        fresh = KEPT / "new"
        shutil.rmtree(fresh, ignore_errors=True)
        install_packages(fresh)
        _prune(fresh)
        compile_python(fresh)
        _drop_sources(fresh)
        forget("packages-*")
        fresh.rename(folder)
    return folder


def forget(pattern: str) -> None:
    """Remove what was kept of earlier versions."""
    for earlier in KEPT.glob(pattern):
        shutil.rmtree(earlier)


def _prune(packages: Path) -> None:
    for pattern in LEFT_OUT:
        for path in list(packages.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _drop_sources(packages: Path) -> None:
    """A compiled file stands in for its source where that had been, which Python takes as the module itself."""
    for source in list(packages.rglob("*.py")):
        if source.relative_to(packages).parts[0] not in READ_THEIR_OWN_SOURCE:
            [compiled] = (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")
            compiled.rename(source.with_suffix(".pyc"))
            source.unlink()
    for cache in list(packages.rglob("__pycache__")):
        if not any(cache.iterdir()):
            cache.rmdir()
