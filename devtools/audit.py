"""Are vulnerabilities known of what the lock files pin? Asks pip-audit, and says so where nobody could be asked.

python -m devtools.audit [options of pip-audit, such as: --vulnerability-service osv --osv-url http://127.0.0.1:8000]

Ends with 0 if every version was looked up and nothing is known, 1 if something is, 2 if any could not be looked up.
pip-audit itself ends with 0 where a database does not know a package at all.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from devtools.locks import Pin, pins

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = (
    "requirements.lock",
    "deploy/requirements-build.lock",
    "deploy/cloudflare/requirements.lock",
    "requirements-dev.lock",
)
"""What runs first."""
KNOWN: Final = 1
NOT_LOOKED_UP: Final = 2
REMEDY: Final = """\
NOT LOOKED UP: {why}.
Nothing is known of these versions, good or bad. Try where one of the two databases answers: make audit (PyPI's), or
make audit ARGS="--vulnerability-service osv" (OSV's; --osv-url URL for a copy of it). Whoever has a database of
another kind can give it the bill of materials, deploy/editqueue.cdx.json.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    text: str
    code: int


def audit(locks: Sequence[Path], options: Sequence[str]) -> Verdict:
    """Looks up every version that these lock files name."""
    locked = {(pin.name, pin.version): pin for lock in locks for pin in pins(lock.read_text(encoding="utf-8"))}
    answers: list[Mapping[str, Any]] = []
    for rest in _apart([*locked.values()]):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as requirements:
            requirements.write("".join(f"{pin.name}=={pin.version}\n" for pin in rest))
            requirements.flush()
            ended = _pip_audit(requirements.name, options)
        if not ended.stdout:  # what it finds, it prints, whatever its exit code
            return Verdict(text=REMEDY.format(why=_last_line(ended.stderr)), code=NOT_LOOKED_UP)
        answers += json.loads(ended.stdout)["dependencies"]
    return verdict(answers)


def verdict(answers: Sequence[Mapping[str, Any]]) -> Verdict:
    """Of what pip-audit says of each package in its JSON."""
    skipped = [one["skip_reason"] for one in answers if "skip_reason" in one]
    vulnerable = [one for one in answers if one.get("vulns")]
    lines = [_line(one, found) for one in vulnerable for found in one["vulns"]]
    text = f"{len(answers) - len(skipped)} of {len(answers)} locked versions looked up, {len(lines)} known "
    text += "vulnerabilities\n" + "".join(lines)
    if skipped:
        text += REMEDY.format(why=f"{len(skipped)} versions, of the first it is said: {skipped[0]}")
    return Verdict(text=text, code=KNOWN if lines else NOT_LOOKED_UP if skipped else 0)


def _apart(locked: Sequence[Pin]) -> Sequence[Sequence[Pin]]:
    """Two versions of one package must not meet in one question."""
    groups: list[dict[str, Pin]] = []
    for pin in locked:
        group = next((group for group in groups if pin.name not in group), None)
        if group is None:
            groups.append(group := {})
        group[pin.name] = pin
    return [[*group.values()] for group in groups]


def _pip_audit(requirements: str, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    tool = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    asked = [*tool, "--format", "json", "--requirement", requirements, *options]
    return subprocess.run(asked, capture_output=True, text=True, check=False)


def _last_line(text: str) -> str:
    return ([line.strip() for line in text.splitlines() if line.strip()] or ["pip-audit said nothing"])[-1]


def _line(package: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    names = ", ".join([found["id"], *found["aliases"]])
    mended = ", ".join(found["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {names}; mended in {mended}\n"


def main() -> None:
    found = audit([ROOT / lock for lock in LOCKS], sys.argv[1:])
    print(found.text, end="", file=sys.stderr if found.code else sys.stdout)
    sys.exit(found.code)


if __name__ == "__main__":
    main()
