"""Photo-like JPEGs of 12 to 24 MP for the demo: no download, and as heavy to decode as real ones."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from editqueue.domain.errors import SetupError


@dataclass(frozen=True, slots=True)
class Room:
    """One photo: what it shows, upright width and height, EXIF orientation, main colour."""

    number: int
    name: str
    width: int
    height: int
    orientation: int
    colour: tuple[int, int, int]


EDITED: Final = (
    Room(1, "Wohnzimmer", 6000, 4000, 1, (214, 196, 170)),
    Room(2, "Kueche", 5472, 3648, 1, (205, 212, 214)),
    Room(3, "Schlafzimmer", 4000, 6000, 1, (176, 160, 170)),
    Room(4, "Bad", 3024, 4032, 6, (170, 196, 204)),
    Room(5, "Balkon", 6000, 4000, 3, (150, 176, 130)),
    Room(6, "Aussenansicht", 5184, 3456, 1, (140, 170, 210)),
)
"""What the demo submits itself."""
WAITING: Final = tuple(
    Room(number, name, 4000, 2667, 1, colour)
    for number, (name, colour) in enumerate(
        (
            ("Esszimmer", (222, 214, 202)), ("Arbeitszimmer", (206, 212, 208)), ("Kinderzimmer", (224, 212, 196)),
            ("Flur", (226, 222, 214)), ("Wohnzimmer", (210, 214, 206)), ("Kueche", (228, 224, 214)),
            ("Schlafzimmer", (214, 206, 210)), ("Bad", (206, 216, 220)), ("Terrasse", (176, 196, 160)),
            ("Garten", (164, 188, 150)), ("Dachgeschoss", (226, 216, 200)), ("Aussenansicht", (168, 190, 216)),
        ),
        start=7,
    )
)  # fmt: skip
"""What it leaves for the review page."""
ROOM_TYPES: Final = {
    "Wohnzimmer": "living_room", "Kueche": "kitchen", "Schlafzimmer": "bedroom", "Bad": "bathroom",
    "Balkon": "balcony", "Aussenansicht": "exterior", "Esszimmer": "dining_room", "Arbeitszimmer": "office",
    "Kinderzimmer": "children_room", "Flur": "hallway", "Terrasse": "terrace", "Garten": "garden",
    "Dachgeschoss": "attic",
}  # fmt: skip
SCALE = 8
"""The scene is made at an eighth of its size and enlarged; the grain on top is at full size."""


def generate_photos(folder: Path, rooms: Iterable[Room]) -> Iterator[Path]:
    """Write `rooms` into `folder`, one after the other. Raises SetupError without pyvips."""
    try:
        import pyvips  # noqa: PLC0415  # loads libvips, which only a generated demo needs
    except ImportError as error:
        raise SetupError(
            "the demo draws its photos with pyvips: pip install pyvips pyvips-binary, or give a folder"
        ) from error
    for room in rooms:
        target = folder / f"{room.number:02d}_{room.name}.jpg"
        scene = _scene(pyvips.Image, room.width, room.height, room.colour, seed=room.number)
        image = _as_held(scene, room.orientation).copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", room.orientation)
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
