"""What docs/install.md puts on a server is what the units under deploy/systemd call and expect."""

import re
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest

ROOT = Path(__file__).parents[2]
INSTALL = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
PROJECT = cast("dict[str, Any]", tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])
WRAPPER = re.search(r"^cat > /usr/local/sbin/editqueue <<'END'\n(.*?)^END$", INSTALL, flags=re.DOTALL | re.MULTILINE)
SHARED = ("DynamicUser", "User", "StateDirectory", "EnvironmentFile", "UMask")
"""What makes two units one: whoever runs with these sees the same files and settings."""


def lines(unit: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), flags=re.MULTILINE))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_call_the_program_where_the_page_installs_it(unit: Path) -> None:
    [venv] = {*re.findall(r"-m venv (\S+)", INSTALL)}

    assert lines(unit)["ExecStart"].split()[0] == f"{venv}/bin/editqueue"
    assert f"{venv}/bin/pip install" in INSTALL


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_commands_beside_the_services_run_as_the_services_do(unit: Path) -> None:
    assert WRAPPER
    given = dict(re.findall(r"-p (\w+)=(\S+)", WRAPPER[1]))

    assert given == {name: lines(unit)[name] for name in SHARED}
    assert f"--setenv={lines(unit)['Environment']} " in WRAPPER[1]


def test_the_units_are_one_user_whoever_starts_first() -> None:
    """With a dynamic user each, the last one to start owns the folder, and the others lose their database."""
    assert {lines(unit).get("User") for unit in UNITS} == {"editqueue"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_settings_and_units_are_installed_where_the_units_look(unit: Path) -> None:
    assert f"deploy/systemd/editqueue.env.example {lines(unit)['EnvironmentFile']}" in INSTALL
    assert "deploy/systemd/*.service deploy/systemd/*.timer /etc/systemd/system/" in INSTALL


def test_the_page_names_the_wheel_that_is_built() -> None:
    assert {*re.findall(r"editqueue-[\w.-]+\.whl", INSTALL)} == {f"editqueue-{PROJECT['version']}-py3-none-any.whl"}


def test_without_gpl_leaves_out_the_extras_that_are_gpl_and_no_others() -> None:
    page = (ROOT / "docs" / "decisions" / "0009-packages.md").read_text(encoding="utf-8")
    gpl = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| (no|yes)", page, flags=re.MULTILINE))

    assert gpl.keys() | {"all"} == PROJECT["optional-dependencies"].keys()
    [free] = re.findall(r"\.whl\[([\w,]+)\]", INSTALL[INSTALL.index("### Without GPL") :])
    of_pictures = gpl.keys() - {"otel"}
    assert {*free.split(",")} == {extra for extra in of_pictures if gpl[extra] == "no"}
