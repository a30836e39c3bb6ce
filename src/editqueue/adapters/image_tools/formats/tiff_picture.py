"""Which of the pictures of a TIFF is the photograph: others are its thumbnails, its reductions, its other pages."""

from collections.abc import Iterator
from dataclasses import dataclass

from editqueue.adapters.image_tools.formats.tiff import (
    COMPRESSION,
    HEIGHT,
    MOST_DIRECTORIES,
    SUB_DIRECTORIES,
    SUB_FILE_TYPE,
    WIDTH,
    Directory,
    Tiff,
    orientation_of,
)
from editqueue.ports.bucket import ByteSource

REDUCED = 1
"""Bit of a NewSubfileType."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TiffPicture:
    page: int
    """Directories that come before it, or before the one it is below, from 0."""
    below: int | None
    """Which of that page's sub-directories it is, from 0; None for the page itself."""
    compression: int
    """As TIFF numbers them; 1 where it says nothing."""
    turned: bool
    """Whether it says how it is turned."""
    end: int
    """Where its last strip or tile ends, as far as it says so."""


def main_picture(source: ByteSource) -> TiffPicture:
    """The first page, else the largest picture that is no reduction of another where the first page says it is one."""
    pages = list(_pages(Tiff(source)))
    first = _as_picture(0, None, pages[0] if pages else None)
    if not pages or not _reduced(pages[0]):
        return first
    whole = [(page, below, found) for page, below, found in _all(pages) if not _reduced(found)]
    if not whole:
        return first
    return _as_picture(*max(whole, key=lambda each: each[2].number(WIDTH) * each[2].number(HEIGHT)))


def _pages(tiff: Tiff) -> Iterator[Directory]:
    at, seen = tiff.first, set[int]()
    while at and at not in seen and len(seen) < MOST_DIRECTORIES:
        seen.add(at)
        page = tiff.directory(at)
        yield page
        at = page.following


def _all(pages: list[Directory]) -> Iterator[tuple[int, int | None, Directory]]:
    for number, page in enumerate(pages):
        yield number, None, page
        for below, at in enumerate(page.numbers(SUB_DIRECTORIES)[:MOST_DIRECTORIES]):
            yield number, below, page.tiff.directory(at)


def _reduced(directory: Directory) -> bool:
    return bool(directory.number(SUB_FILE_TYPE) & REDUCED)


def _as_picture(page: int, below: int | None, directory: Directory | None) -> TiffPicture:
    return TiffPicture(
        page=page,
        below=below,
        compression=(directory.number(COMPRESSION) if directory is not None else 0) or 1,
        turned=directory is not None and orientation_of(directory) is not None,
        end=directory.end() if directory is not None else 0,
    )
