"""The wheel and the sdist as `make build` makes them, and what is done with a wheel to see that it runs."""

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from devtools.installation import Installation
from devtools.pictures.samples import decoded, encoded, scene

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Packages:
    sdist: Path
    wheel: Path
    """Built from that sdist, which has nothing else to build it from."""


def build(folder: Path) -> Packages:
    """Writes nothing beside `folder`."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    [sdist], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Packages(sdist=sdist, wheel=wheel)


def run(*command: str, environment: dict[str, str] | None = None) -> str:
    """What a command prints; it must end well. Away from the project, so that none of its folders can be imported."""
    ended = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def try_out(program: Path, folder: Path) -> None:
    """From an empty data dir to a photo that is edited, all by `program`."""
    environment = Installation(folder / "data").environment
    photos = folder / "photos"
    photos.mkdir(parents=True)
    (photos / "kitchen.jpg").write_bytes(encoded(scene(2000, 1500)))

    assert re.fullmatch(r"editqueue \d+\.\d+\.\d+\n", run(str(program), "--version", environment=environment))
    assert "the schema is at revision" in run(str(program), "migrate", environment=environment)
    said = run(str(program), "demo", str(photos), "--exit", "--port", "0", environment=environment)
    assert len(re.findall(r"│ done +│", said)) == 1, said
    [preview] = (folder / "data" / "bucket").glob("user/*/orders/*/preview/*.jpg")
    assert decoded(preview.read_bytes()).size == (1280, 960)
    run(str(program), "doctor", environment=environment)
