"""What `editqueue doctor` says about the image libraries."""

import pytest

from editqueue.adapters.image_tools import available
from editqueue.adapters.image_tools.available import available_tools


def test_installed_libraries_have_a_version() -> None:
    assert all(tool.version and tool.version[0].isdigit() for tool in available_tools())


def test_a_missing_library_has_none_and_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        """Nothing is installed."""

    monkeypatch.setattr(available, "find_spec", missing)

    assert {tool.version for tool in available_tools()} == {None}
    assert all(tool.remedy.startswith("pip install ") for tool in available_tools())
