"""How large a picture may be, by what its header says before anything is decoded."""

from dataclasses import dataclass

from editqueue.domain.errors import OverLimit

MAX_SIDE = 65_535


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelLimits:
    """Pixels, by what a decoder must hold of them. The defaults fit 1.5 GiB of address space."""

    streamed: int = 268_000_000
    """Baseline JPEG, plain PNG, TIFF and WebP: libvips holds some lines."""
    whole: int = 100_000_000
    """Progressive and interlaced pictures: held whole. 30k x 30k took 17 s and 5.2 GB."""
    heif: int = 210_000_000
    """HEIC and AVIF: phones make 200 MP."""
    clip: int = 36_000_000
    """A frame of a clip, of which a decoder holds up to 16: 8K has 33 MP."""
    still_bytes: int = 256_000_000
    """Of a file that must be read whole."""

    def check(self, width: int, height: int, most: int) -> None:
        """Raises OverLimit."""
        if width * height > most or max(width, height) > MAX_SIDE:
            raise OverLimit(f"{width} x {height} pixels are over the limit of {most} pixels, {MAX_SIDE} a side")

    def check_bytes(self, size: int) -> None:
        """Raises OverLimit."""
        if size > self.still_bytes:
            raise OverLimit(f"{size} bytes are over the limit of {self.still_bytes} for a still picture")
