"""What a HEIC, HIF or AVIF shows: pictures of tiles, each a stream of HEVC or AV1."""

from collections.abc import Sequence
from dataclasses import dataclass

from editqueue.adapters.image_tools.formats.heif_index import Extent

NEAR = 0.01
"""By which the shape of a smaller copy may differ, of 1: Sony squeezes 3:2 into 1616 x 1080."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Colours:
    """As ITU-T H.273 numbers them; 2 is "unspecified"."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """What one stream of HEVC or AV1 shows."""

    kind: bytes
    """`hvc1` or `av01`."""
    width: int
    height: int
    configuration: bytes
    """The decoder's: the `hvcC` or `av1C` box."""
    extents: Sequence[Extent]
    colours: Colours | None
    profile: bytes | None
    """ICC."""

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


@dataclass(frozen=True, kw_only=True, slots=True)
class Crop:
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeifPicture:
    """One or more tiles, row by row, all alike; what of them reaches over `width` and `height` is cut off."""

    width: int
    height: int
    columns: int
    tiles: Sequence[Coded]
    """At least one."""
    crop: Crop | None
    """Of the picture before its turns; None for all of it."""
    turns: Sequence[tuple[bytes, int]]
    """In this order: (`irot`, quarters to the left) and (`imir`, 0 for upside down, 1 for left to right)."""
    colours: Colours | None
    """None where the streams themselves must tell."""
    profile: bytes | None

    @property
    def rows(self) -> int:
        return len(self.tiles) // self.columns

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height before its turns."""
        return (self.width, self.height) if self.crop is None else (self.crop.width, self.crop.height)

    def is_small_copy_of(self, main: "HeifPicture") -> bool:
        """As far as can be told without decoding: same shape, turns and colours, and nothing is cut off."""
        width, height = main.shown_size
        shape = (self.width * height) / (self.height * width)
        return (
            self.crop is None
            and self.width <= width
            and self.height <= height
            and abs(shape - 1) <= NEAR
            and (self.turns, self.colours, self.profile) == (main.turns, main.colours, main.profile)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class HeifPictures:
    main: HeifPicture
    thumbnails: Sequence[HeifPicture]
    """That the file calls so; only those that are understood."""

    def small_copy(self, *, long_edge: int) -> HeifPicture | None:
        """The smallest of at least `long_edge` that shows what the main picture does."""
        large = [
            each for each in self.thumbnails if max(each.shown_size) >= long_edge and each.is_small_copy_of(self.main)
        ]
        return min(large, key=lambda each: each.width, default=None)
