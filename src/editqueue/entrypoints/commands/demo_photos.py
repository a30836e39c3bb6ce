"""Photo-like JPEGs of 10 to 24 MP for the demo: no download, and as heavy to decode as real ones."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from editqueue.domain.errors import SetupError

PICTURES: Final = Path(__file__).parent / "demo_pictures"
"""Small pictures of rooms, drawn by tests/web/rooms.py; enlarged and given a sensor's grain they become photos."""


@dataclass(frozen=True, slots=True)
class Room:
    """One photo: its name, the room type, upright width and height, EXIF orientation."""

    number: int
    name: str
    kind: str
    width: int = 4000
    height: int = 2667
    orientation: int = 1

    @property
    def file_name(self) -> str:
        return f"{self.number:02d}_{self.name}.jpg"

    @property
    def picture(self) -> str:
        return f"{self.number:02d}.webp"


EDITED: Final = (
    Room(1, "Wohnzimmer", "living_room", 6000, 4000),
    Room(2, "Kueche", "kitchen", 5472, 3648),
    Room(3, "Schlafzimmer", "bedroom", 4000, 6000),
    Room(4, "Bad", "bathroom", 3024, 4032, 6),
    Room(5, "Balkon", "balcony", 6000, 4000, 3),
    Room(6, "Aussenansicht", "exterior", 5184, 3456),
)
"""What the demo submits itself."""
WAITING: Final = (
    Room(7, "Esszimmer", "dining_room"),
    Room(8, "Arbeitszimmer", "office"),
    Room(9, "Kinderzimmer", "children_room"),
    Room(10, "Flur", "hallway"),
    Room(11, "Wohnzimmer_2", "living_room"),
    Room(12, "Kueche_2", "kitchen"),
    Room(13, "Schlafzimmer_2", "bedroom"),
    Room(14, "Bad_2", "bathroom"),
    Room(15, "Terrasse", "terrace"),
    Room(16, "Dachgeschoss", "attic"),
    Room(17, "Esszimmer_2", "dining_room"),
    Room(18, "Strassenseite", "exterior"),
)
"""What it leaves for the review page."""
ROOM_TYPES: Final = {room.file_name: room.kind for room in (*EDITED, *WAITING)}


def generate_photos(folder: Path, rooms: Iterable[Room]) -> Iterator[Path]:
    """Write `rooms` into `folder`, one after the other. Raises SetupError without pyvips."""
    try:
        import pyvips  # noqa: PLC0415  # loads libvips, which only a generated demo needs
    except ImportError as error:
        raise SetupError(
            "the demo makes its photos with pyvips: pip install pyvips pyvips-binary, or give a folder"
        ) from error
    for room in rooms:
        target = folder / room.file_name
        image = _as_held(_photo(pyvips.Image, room), room.orientation).copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", room.orientation)
        image.write_to_file(str(target), Q=88)
        yield target


def _as_held(scene: Any, orientation: int) -> Any:
    """The pixels as a camera held that way stores them; the EXIF tag turns them upright again."""
    return {1: scene, 3: scene.rot180(), 6: scene.rot270()}[orientation]


def _photo(image: Any, room: Room) -> Any:
    small = image.new_from_file(str(PICTURES / room.picture))
    large = small.resize(room.width / small.width, vscale=room.height / small.height)
    grain = image.gaussnoise(room.width, room.height, mean=0, sigma=6, seed=room.number)
    return (large + grain).cast("uchar").copy(interpretation="srgb")
