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
    ("pyvips", "pyvips", "JPEG, PNG, TIFF, WebP, AVIF, GIF", "pip install pyvips pyvips-binary"),
    ("pillow-heif", "pillow_heif", "HEIC, HIF", "pip install 'editqueue[heic]'"),
    ("pillow", "PIL", "BMP, JPEG 2000, PSD, rare TIFFs", "pip install 'editqueue[pillow]'"),
    ("pillow-jxl-plugin", "pillow_jxl", "JPEG XL", "pip install 'editqueue[jxl]'"),
    ("rawpy", "rawpy", "camera raws without an embedded preview", "pip install 'editqueue[raw]'"),
    ("av", "av", "HEIC, HIF, AVIF for less CPU, sequences; mp4 and mov clips", "pip install 'editqueue[video]'"),
)


def available_tools() -> tuple[Tool, ...]:
    versions = {package: metadata.version(package) if find_spec(module) else None for package, module, _, _ in _TOOLS}
    return tuple(
        Tool(package=package, reads=reads, version=versions[package], remedy=remedy)
        for package, _, reads, remedy in _TOOLS
    )
