"""What originals are like, and what the image tools make of them."""

from dataclasses import replace
from typing import Final

from editqueue.domain.errors import BrokenPicture, ImageWorkerDied, NoImageWorker, NoToolForFormat
from editqueue.ports.image_tools import Preview
from tests.reliability.fates import preview_for
from tests.simulation.bucket import Shelf
from tests.simulation.chance import Dice
from tests.simulation.wire import IMAGES, Wire

SOUND: Final = "sound"
BROKEN: Final = "broken"
STRANGE: Final = "strange"
"""Sound, but no tool reads it: the preview is a copy."""
CURSED: Final = "cursed"
"""Its worker dies at it each time."""
DEADLY: Final = "deadly"
"""The whole consumer dies at it each time."""
MISSING: Final = "missing"
"""It vanished from the bucket."""

_PROBE: Final = replace(IMAGES, error=NoImageWorker, work=0)


def nature_of(dice: Dice, number: int, *, deadly: bool) -> str:
    """Of an original that a customer uploads."""
    draw = dice[number]
    if draw < 0.75:
        return SOUND
    others = (BROKEN, STRANGE, CURSED, MISSING, *([DEADLY] if deadly else []))
    return others[int((draw - 0.75) / 0.25 * len(others))]


def original(nature: str, name: str) -> bytes:
    return f"{nature} {name}".encode()


def nature_in(body: bytes) -> str:
    return body.decode().partition(" ")[0]


def expected_preview(body: bytes) -> bytes:
    return body if nature_in(body) == STRANGE else preview_for(body).body


class SimulatedImages:
    """`ImageTools` of one process, which read the bucket for themselves."""

    def __init__(self, shelf: Shelf, wire: Wire) -> None:
        self._shelf = shelf
        self._wire = wire

    async def make_preview(self, key: str) -> Preview:
        return await self._wire.call("images.make_preview", IMAGES, lambda: self._made(key), key.rpartition("/")[2])

    def _made(self, key: str) -> Preview:
        stored = self._shelf.get(key)
        made = preview_for(stored.body)
        preview = Preview(
            body=made.body,
            width=made.width,
            height=made.height,
            source_format="jpeg",
            path="simulated",
            etag=stored.etag,
        )
        match nature_in(stored.body):
            case "broken":
                raise _about(BrokenPicture("it ends in the middle"), stored.etag)
            case "strange":
                raise _about(NoToolForFormat("quicktime"), stored.etag)
            case "cursed":
                raise ImageWorkerDied("its worker dies at it")
            case "deadly":
                self._wire.process.kill()
            case _:
                pass
        return preview

    async def probe(self) -> None:
        await self._wire.call("images.probe", _PROBE, lambda: None)

    async def close(self) -> None:
        pass


def _about(error: BrokenPicture | NoToolForFormat, etag: str) -> BrokenPicture | NoToolForFormat:
    error.etag = etag
    return error
