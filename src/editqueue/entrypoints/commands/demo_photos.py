"""Photo-like JPEGs of 12 to 24 MP for the demo: no download, and as heavy to decode as real ones."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from editqueue.domain.errors import SetupError

ROOMS = (
    ("Wohnzimmer", 6000, 4000, 1, (214, 196, 170)),
    ("Kueche", 5472, 3648, 1, (205, 212, 214)),
    ("Schlafzimmer", 4000, 6000, 1, (176, 160, 170)),
    ("Bad", 3024, 4032, 6, (170, 196, 204)),
    ("Balkon", 6000, 4000, 3, (150, 176, 130)),
    ("Aussenansicht", 5184, 3456, 1, (140, 170, 210)),
)
"""Name, upright width and height, EXIF orientation, main colour."""
SCALE = 8
"""The scene is made at an eighth of its size and enlarged; the grain on top is at full size."""


def generate_photos(folder: Path) -> Iterator[Path]:
    """Write the rooms into `folder`, one after the other. Raises SetupError without pyvips."""
    try:
        import pyvips  # noqa: PLC0415  # loads libvips, which only a generated demo needs
    except ImportError as error:
        raise SetupError(
            "the demo draws its photos with pyvips: pip install pyvips pyvips-binary, or give a folder"
        ) from error
    for number, (name, width, height, orientation, colour) in enumerate(ROOMS, start=1):
        target = folder / f"{number:02d}_{name}.jpg"
        scene = _scene(pyvips.Image, width, height, colour, seed=number)
        image = _as_held(scene, orientation).copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
        image.write_to_file(str(target), Q=88)
        yield target


def _as_held(scene: Any, orientation: int) -> Any:
    """The pixels as a camera held that way stores them; the EXIF tag turns them upright again."""
    return {1: scene, 3: scene.rot180(), 6: scene.rot270()}[orientation]


def _scene(image: Any, width: int, height: int, colour: tuple[int, int, int], *, seed: int) -> Any:
    """A wall in soft light, a window, a floor, and the sensor's grain."""
    small_width, small_height = width // SCALE, height // SCALE
    light = image.perlin(small_width, small_height, cell_size=max(small_width // 3, 8), seed=seed)
    texture = image.perlin(small_width, small_height, cell_size=24, seed=seed + 100)
    shade = 0.9 + light * 0.25 + texture * 0.06
    wall = (shade * list(colour)).cast("uchar")
    floor = [max(0, channel - 70) for channel in colour]
    room = wall.draw_rect(floor, 0, int(small_height * 0.72), small_width, small_height, fill=True)
    left, top = small_width // 8, small_height // 6
    for column in range(2):
        at = left + column * (small_width // 3)
        room = room.draw_rect([250, 248, 240], at, top, small_width // 4, small_height // 3, fill=True)
        room = room.draw_rect([120, 110, 100], at, top, small_width // 4, small_height // 3, fill=False)
    large = room.gaussblur(1.2).resize(width / small_width, vscale=height / small_height)
    grain = image.gaussnoise(width, height, mean=0, sigma=6, seed=seed)
    return (large + grain).cast("uchar").copy(interpretation="srgb")
