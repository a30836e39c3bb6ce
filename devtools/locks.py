"""What the lock files name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_PIN: Final = re.compile(r"^([a-z0-9-]+)==([^\s;\\]+)(?: ; (.+?))? \\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One version that a lock file names; a package may have several, for different versions of Python."""

    name: str
    version: str
    when: str
    """The environment marker, or nothing."""
    sha256: Sequence[str]
    """One for each file of this version."""


def pins(lock: str) -> Sequence[Pin]:
    """What the text of a lock file names, in its order."""
    return [
        Pin(name=name, version=version, when=when, sha256=sorted(re.findall(r"sha256:([0-9a-f]+)", hashes)))
        for name, version, when, hashes in _PIN.findall(lock)
    ]
