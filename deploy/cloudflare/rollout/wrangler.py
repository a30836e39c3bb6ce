"""Runs wrangler, at the version of the lock file, and turns what it says into one line when it fails."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deploy.cloudflare.rollout.account import TOKEN
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.project import Project
from deploy.cloudflare.rollout.rights import missing_right
from deploy.cloudflare.rollout.secret_values import NAMES

PATIENCE = 900
"""Seconds for one command: uploads over a slow line take minutes."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
FAILED_CALL = re.compile(r"A request to the Cloudflare API \(([^)]*)\) failed")
NO_RIGHT = ("code: 10000", "code: 10001", "code: 9109")


class Wrangler(Protocol):
    def __call__(self, *arguments: str) -> None:
        """Raises Problem if the command fails."""
        ...


@dataclass(frozen=True, kw_only=True)
class InstalledWrangler:
    project: Project
    environment: Mapping[str, str]
    """With CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID."""

    def __call__(self, *arguments: str) -> None:
        command = [str(self._program()), *arguments, "--config", str(self.project.config)]
        with tempfile.TemporaryDirectory(prefix="editqueue-wrangler-") as logs:
            environment = {**self.environment, **_manners(self.environment), "WRANGLER_LOG_PATH": logs}
            done = _ended(command, cwd=self.project.folder, env=environment)
        if done.returncode != 0:
            raise Problem(failure(arguments[0], done.stdout + done.stderr))

    def _program(self) -> Path:
        node = shutil.which("node", path=self.environment.get("PATH"))
        npm = shutil.which("npm", path=self.environment.get("PATH"))
        if node is None or npm is None:
            raise Problem("Node and npm are not installed, and wrangler needs them: https://nodejs.org")
        wanted = json.loads((self.project.tools / "package-lock.json").read_text(encoding="utf-8"))
        wanted = wanted["packages"]["node_modules/wrangler"]
        _check_node(node, wanted)
        _install(npm, self.project.tools, wanted["version"], self._without_secrets())
        return self.project.tools / "node_modules" / ".bin" / "wrangler"

    def _without_secrets(self) -> dict[str, str]:
        """For npm, which runs programs of the packages that it installs."""
        return {name: value for name, value in self.environment.items() if name not in {TOKEN, *NAMES}}


def _manners(environment: Mapping[str, str]) -> dict[str, str]:
    """No questions, no colours, no telemetry; and this Python for the build."""
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join([own, environment.get("PATH", os.defpath)])
    return {"CI": "1", "NO_COLOR": "1", "FORCE_COLOR": "0", "WRANGLER_SEND_METRICS": "false", "PATH": path}


def _check_node(node: str, wrangler: Mapping[str, Any]) -> None:
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  # found in PATH
    said = asked.stdout.strip()
    least = wrangler["engines"]["node"].removeprefix(">=")
    if _numbers(said) < _numbers(least):
        raise Problem(
            f"Node is {said or 'broken'}, and wrangler {wrangler['version']} needs {least} or newer: https://nodejs.org"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _install(npm: str, tools: Path, version: str, environment: Mapping[str, str]) -> None:
    # npm writes this file last, so that it is not there where an installation was cut off.
    installed = tools / "node_modules" / ".package-lock.json"
    if installed.is_file():
        packages = json.loads(installed.read_text(encoding="utf-8"))["packages"]
        if packages.get("node_modules/wrangler", {}).get("version") == version:
            return
    done = _ended([npm, "ci"], cwd=tools, env=environment)
    if done.returncode != 0:
        raise Problem(f"npm ci failed in {tools}, and wrangler comes with it: {_last_line(done.stderr)}")


def _ended(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # no shell, and programs of the lock file or in PATH
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise Problem(f"{Path(command[0]).name} has not ended within {PATIENCE} s: check the network") from error


def failure(command: str, output: str) -> str:
    """The one line in what wrangler said."""
    said = COLOURS.sub("", output)
    call = FAILED_CALL.search(said)
    if call is not None and any(code in said for code in NO_RIGHT):
        return missing_right(call[1])
    _, marker, error = said.rpartition("[ERROR]")
    lines = [line.strip() for line in error.splitlines() if line.strip()] if marker else [_last_line(said)]
    reason = " ".join(line for line in lines if not line.startswith(("If you think", "🪵")))
    return f"wrangler {command} failed: {reason}"


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
