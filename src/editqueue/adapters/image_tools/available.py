"""Which image libraries are installed, for `editqueue doctor`."""

from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    package: str
    reads: str
    version: str | None
    """None when it is not installed."""
    remedy: str


_TOOLS = (
    ("pyvips", "pyvips", "JPEG, PNG, TIFF, WebP, AVIF", "pip install pyvips pyvips-binary"),
    ("pillow-heif", "pillow_heif", "HEIC, HEIF", "pip install 'editqueue[heic]'"),
    ("rawpy", "rawpy", "camera raws without an embedded preview", "pip install 'editqueue[raw]'"),
    ("av", "av", "mp4 and mov clips", "pip install 'editqueue[video]'"),
)


def available_tools() -> tuple[Tool, ...]:
    return tuple(
        Tool(package=package, reads=reads, version=_version(package, module), remedy=remedy)
        for package, module, reads, remedy in _TOOLS
    )


def _version(package: str, module: str) -> str | None:
    return metadata.version(package) if find_spec(module) else None
