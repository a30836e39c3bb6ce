"""A headless Chromium out of an npm package, with the libraries and the fonts that a bare system lacks.

It wins over a Chromium that the system has, so that a page looks and behaves the same wherever the tests run. The
package holds a program for Linux on x86-64; elsewhere the system's Chromium is taken.
"""

import fcntl
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devtools.node import NODE
from devtools.npm import NotInstalled, install

HERE: Final = Path(__file__).parent
SYSTEM_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fonts</cachedir></fontconfig>
"""
"""The package's own names folders that are not ours, and the system's fonts differ from machine to machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    path: Path
    environment: Mapping[str, str]
    """Beside that of this process."""


def chromium_program() -> Program:
    """Raises NotInstalled."""
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        folder = _unpacked()
        return Program(
            path=folder / "chromium",
            environment={
                "LD_LIBRARY_PATH": str(folder / "al2023" / "lib"),
                "FONTCONFIG_PATH": str(folder / "fonts"),
                "XDG_CACHE_HOME": str(folder / "cache"),
            },
        )
    found = [path for path in map(shutil.which, SYSTEM_PROGRAMS) if path]
    if not found:
        raise NotInstalled(
            f"the browser tests need one of {', '.join(SYSTEM_PROGRAMS)} in PATH on this kind of machine"
        )
    return Program(path=Path(found[0]), environment={})


def _unpacked() -> Path:
    """The folder with the program. It lies in node_modules, so that it goes when npm puts another version there."""
    folder = install(HERE) / ".chromium"
    with (HERE / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            fresh = folder.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            _unpack(fresh)
            fresh.rename(folder)
    return folder


def _unpack(folder: Path) -> None:
    command = [NODE, HERE / "unpack-chromium.mjs"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotInstalled(f"Chromium could not be unpacked into {folder}: {done.stderr.strip()[-500:]}")
    (folder / "fonts" / "fonts.conf").write_text(FONTS, encoding="utf-8")
