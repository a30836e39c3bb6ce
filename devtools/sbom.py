"""deploy/editqueue.cdx.json: a CycloneDX bill of materials of what requirements.lock pins. Generated, never edited.

python -m devtools.sbom deploy/editqueue.cdx.json

Names, versions and hashes are the lock's. Licences and who needs whom are what the installed packages say of
themselves; two versions of one package in the lock are taken to be alike in this.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.spdx import is_expression, is_supported_id
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devtools.locks import Pin, pins

ROOT: Final = Path(__file__).parents[1]
_OTHER_SYSTEMS: Final = {"colorama": "BSD-3-Clause", "tzdata": "Apache-2.0"}
"""The licences of what is locked for other systems, and so need not be installed on this one."""
_IN_SPDX: Final = {
    "MIT License": "MIT",
    "ISC License": "ISC",
    "Apache License, Version 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
}
"""The identifier, where a package says its licence in other words."""
_AS_A_WHOLE: Final = {"av": "GPL-3.0-or-later", "pillow-heif": "GPL-2.0-or-later"}
"""Wheels that bring x264 or x265 and name only their own licence; docs/licences.md has what is in them."""

_OLDEST: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""What needs what is asked for the oldest Python on Linux, whatever this is: everywhere the same file."""


def sbom() -> str:
    """The text of the bill of materials. Raises ValueError for a package whose licence nothing says."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    always = [Requirement(text) for text in project["dependencies"]]
    extras = [Requirement(text) for texts in project["optional-dependencies"].values() for text in texts]
    required = _needs(always)
    locked = pins(lock)
    needs = {**_needs([*always, *extras]), project["name"]: [*always, *extras]}

    def depends_on(name: str) -> Sequence[str]:
        names = {canonicalize_name(one.name) for one in needs.get(name, ())}
        return [_purl(pin) for pin in locked if pin.name in names]

    # No time: the same lock gives the same text, whenever it is written.
    whole = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, lock).urn,
        "version": 1,
        "metadata": {"component": _application(project)},
        "components": [_library(pin, "required" if pin.name in required else "optional") for pin in locked],
        "dependencies": [
            {"ref": project["name"], "dependsOn": depends_on(project["name"])},
            *({"ref": _purl(pin), "dependsOn": depends_on(pin.name)} for pin in locked),
        ],
    }
    return json.dumps(whole, indent=1) + "\n"


def _application(project: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "type": "application",
        "bom-ref": project["name"],
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "licenses": [_licence(project["license"], "declared")],
    }


def _library(pin: Pin, scope: str) -> Mapping[str, Any]:
    when = [{"name": "editqueue:when", "value": pin.when}] if pin.when else []
    files = {
        "type": "distribution",
        "url": _purl(pin),
        "comment": "a hash for each of its files",
        "hashes": [{"alg": "SHA-256", "content": one} for one in pin.sha256],
    }
    return {
        "type": "library",
        "bom-ref": _purl(pin),
        "name": pin.name,
        "version": pin.version,
        "purl": _purl(pin),
        "scope": scope,
        "licenses": _licences(pin.name),
        "externalReferences": [files],
        "properties": when,
    }


def _purl(pin: Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def _licences(name: str) -> Sequence[Mapping[str, Any]]:
    """What the package says, and what its wheel is as a whole where that is something else."""
    declared = _declared(name)
    concluded = _AS_A_WHOLE.get(name) if declared else _OTHER_SYSTEMS.get(name)
    if not declared and not concluded:
        raise ValueError(
            f"{name} is locked, but nothing says its licence: install it (make setup), or, if it is for other "
            f"systems only, add it to _OTHER_SYSTEMS in devtools/{Path(__file__).name}"
        )
    return [
        *([_licence(declared, "declared")] if declared else []),
        *([_licence(concluded, "concluded")] if concluded else []),
    ]


def _licence(words: str, acknowledgement: str) -> Mapping[str, Any]:
    """As an identifier of SPDX, or an expression of several. Raises ValueError for any other words."""
    if is_supported_id(words):
        return {"license": {"id": words, "acknowledgement": acknowledgement}}
    if is_expression(words):
        return {"expression": words, "acknowledgement": acknowledgement}
    raise ValueError(f"a licence {words!r} is not known to SPDX; add it to _IN_SPDX in devtools/{Path(__file__).name}")


def _declared(name: str) -> str:
    """Nothing if it is not installed, or does not say."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return ""
    classifiers = [one for one in said.get_all("Classifier", []) if one.startswith("License :: ")]
    fields = [said[field] for field in ("License-Expression", "License") if field in said]
    words = [*fields, "".join(classifiers).rpartition(" :: ")[2]][0]
    return _IN_SPDX.get(words, words)


def _needs(requirements: Iterable[Requirement]) -> Mapping[str, Sequence[Requirement]]:
    """By name: what each of these, and each that they need, needs, with the extras that are asked of it."""
    found: dict[str, dict[str, Requirement]] = {}
    seen: set[tuple[str, str]] = set()
    ahead = [*requirements]
    while ahead:
        requirement = ahead.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                needed = {str(one): one for one in _asked(name, extra)}
                found.setdefault(name, {}).update(needed)
                ahead += needed.values()
    return {name: [*needed.values()] for name, needed in found.items()}


def _asked(name: str, extra: str) -> Iterator[Requirement]:
    try:
        texts = metadata(name).get_all("Requires-Dist", [])
    except PackageNotFoundError:
        return
    for text in texts:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({**_OLDEST, "extra": extra}):
            yield requirement


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(sbom(), encoding="utf-8")
