"""Pictures that look like rooms from afar, for the screenshots: light, walls, floors and furniture."""

import io
import random
from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
WIDTH: Final = 720
HEIGHT: Final = 480
HORIZON: Final = 330
_WALLS: Final[tuple[Colour, ...]] = (
    (236, 231, 222),
    (222, 226, 218),
    (240, 236, 230),
    (214, 208, 198),
    (228, 222, 226),
)
_FLOORS: Final[tuple[Colour, ...]] = ((178, 142, 104), (150, 118, 88), (196, 168, 132), (168, 164, 156))
_CLOTH: Final[tuple[Colour, ...]] = ((110, 126, 107), (168, 91, 46), (96, 108, 122), (190, 178, 160), (74, 88, 73))


def room_jpeg(room: str, *, seed: int) -> bytes:
    """One picture per room and `seed`, always the same one."""
    pick = random.Random(f"{room}{seed}")
    picture = _outside(pick) if room in {"exterior", "terrace"} else _inside(pick, room)
    body = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.8)).save(body, "JPEG", quality=82)
    return body.getvalue()


def _inside(pick: random.Random, room: str) -> Image.Image:
    picture = _gradient(pick.choice(_WALLS), 0.86, HEIGHT)
    draw = ImageDraw.Draw(picture)
    _floor(draw, pick)
    corner = pick.choice((120, 600))
    side = [(0, 0), (corner, 60), (corner, HORIZON), (0, HEIGHT)] if corner < 360 else [
        (WIDTH, 0), (corner, 60), (corner, HORIZON), (WIDTH, HEIGHT)
    ]  # fmt: skip
    shade = Image.new("L", picture.size, 0)
    ImageDraw.Draw(shade).polygon(side, fill=34)
    picture.paste((60, 52, 44), (0, 0), shade)
    window = 180 if corner < 360 else 120
    _window(picture, pick, window)
    _FURNITURE.get(room, _sofa)(picture, pick, window + pick.randrange(0, 90))
    _lamp(picture, pick, window + 340)
    return _lit(picture, window)


def _floor(draw: ImageDraw.ImageDraw, pick: random.Random) -> None:
    colour = pick.choice(_FLOORS)
    for row in range(HORIZON, HEIGHT):
        draw.line([(0, row), (WIDTH, row)], fill=_scaled(colour, 0.82 + 0.3 * (row - HORIZON) / (HEIGHT - HORIZON)))
    for plank in range(-900, 1700, 110):
        draw.line([(WIDTH // 2 + (plank - 360) // 4, HORIZON), (plank, HEIGHT)], fill=_scaled(colour, 0.78), width=1)
    draw.rectangle((0, HORIZON - 9, WIDTH, HORIZON), fill=(246, 244, 240))


def _window(picture: Image.Image, pick: random.Random, left: int) -> None:
    width, top, bottom = pick.choice((200, 230, 260)), 70, pick.choice((230, HORIZON - 10))
    view = _gradient(pick.choice(((196, 216, 232), (214, 224, 228), (236, 220, 200))), 1.08, bottom - top)
    view = view.resize((width, bottom - top))
    ImageDraw.Draw(view).ellipse((-60, (bottom - top) * 0.6, width * 0.7, (bottom - top) * 1.5), fill=(132, 152, 118))
    ImageDraw.Draw(view).ellipse((width * 0.4, (bottom - top) * 0.7, width * 1.4, 500), fill=(112, 136, 104))
    picture.paste(view.filter(ImageFilter.GaussianBlur(4)), (left, top))
    draw = ImageDraw.Draw(picture)
    for bar in range(3):
        at = left + bar * width // 2
        draw.rectangle((at - 4, top - 4, at + 4, bottom + 4), fill=(250, 249, 246))
    draw.rectangle((left - 4, top - 4, left + width + 4, bottom + 4), outline=(250, 249, 246), width=7)
    curtain = Image.new("L", picture.size, 0)
    ImageDraw.Draw(curtain).rectangle((left - 46, 40, left - 2, HORIZON + 4), fill=170)
    picture.paste((238, 234, 226), (0, 0), curtain)


def _sofa(picture: Image.Image, pick: random.Random, left: int) -> None:
    cloth, width, top = pick.choice(_CLOTH), pick.choice((230, 300)), HORIZON - 62
    _shadow(picture, left, width)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((left, top, left + width, top + 96), 16, fill=_scaled(cloth, 0.92))
    draw.rounded_rectangle((left - 16, top + 34, left + width + 16, top + 126), 14, fill=cloth)
    draw.rounded_rectangle((left + 12, top + 52, left + width // 2 - 3, top + 84), 8, fill=_scaled(cloth, 1.13))
    draw.rounded_rectangle((left + width // 2 + 3, top + 52, left + width - 12, top + 84), 8, fill=_scaled(cloth, 1.13))
    accent = pick.choice(_CLOTH)
    draw.rounded_rectangle((left + 22, top + 22, left + 74, top + 66), 9, fill=_scaled(accent, 1.1))


def _bed(picture: Image.Image, pick: random.Random, left: int) -> None:
    _shadow(picture, left, 330)
    draw, cloth = ImageDraw.Draw(picture), pick.choice(_CLOTH)
    draw.rounded_rectangle((left, HORIZON - 108, left + 330, HORIZON + 40), 12, fill=_scaled(cloth, 0.9))
    draw.rounded_rectangle((left - 8, HORIZON - 20, left + 338, HORIZON + 84), 14, fill=(246, 243, 237))
    for pillow in (left + 28, left + 176):
        draw.rounded_rectangle((pillow, HORIZON - 52, pillow + 126, HORIZON - 4), 16, fill=(253, 252, 249))
    draw.rounded_rectangle((left - 8, HORIZON + 26, left + 338, HORIZON + 92), 14, fill=_scaled(cloth, 1.15))


def _counter(picture: Image.Image, pick: random.Random, left: int) -> None:
    _shadow(picture, left - 30, 420)
    draw, front = ImageDraw.Draw(picture), pick.choice(((92, 108, 90), (236, 233, 226), (120, 126, 130)))
    draw.rectangle((left - 30, HORIZON - 84, left + 390, HORIZON + 78), fill=front)
    draw.rectangle((left - 38, HORIZON - 96, left + 398, HORIZON - 80), fill=(206, 190, 168))
    for door in range(left - 30, left + 390, 105):
        draw.rectangle((door + 4, HORIZON - 74, door + 101, HORIZON + 68), outline=_scaled(front, 0.86), width=2)
        draw.line([(door + 84, HORIZON - 60), (door + 84, HORIZON - 28)], fill=(186, 150, 104), width=4)
    draw.ellipse((left + 40, HORIZON - 124, left + 110, HORIZON - 94), fill=(168, 91, 46))


def _table(picture: Image.Image, pick: random.Random, left: int) -> None:
    _shadow(picture, left, 300)
    draw, wood = ImageDraw.Draw(picture), pick.choice(((150, 112, 78), (176, 140, 102)))
    for leg in (left + 18, left + 272):
        draw.rectangle((leg, HORIZON - 4, leg + 12, HORIZON + 92), fill=_scaled(wood, 0.8))
    draw.rounded_rectangle((left, HORIZON - 18, left + 300, HORIZON), 6, fill=wood)
    for chair in (left + 50, left + 190):
        draw.rounded_rectangle((chair, HORIZON - 66, chair + 66, HORIZON + 40), 12, fill=pick.choice(_CLOTH))
    draw.rectangle((left + 138, HORIZON - 62, left + 162, HORIZON - 18), fill=(240, 238, 232))
    draw.ellipse((left + 112, HORIZON - 112, left + 188, HORIZON - 52), fill=(104, 128, 96))


def _bath(picture: Image.Image, pick: random.Random, left: int) -> None:  # as the others
    _shadow(picture, left, 320)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((left, HORIZON - 44, left + 320, HORIZON + 82), 52, fill=(250, 250, 248))
    draw.rounded_rectangle((left - 8, HORIZON - 52, left + 328, HORIZON - 32), 10, fill=(255, 255, 254))
    draw.line([(left + 40, HORIZON - 52), (left + 40, HORIZON - 110), (left + 84, HORIZON - 110)], (168, 132, 88), 6)


def _shadow(picture: Image.Image, left: int, width: int) -> None:
    shadow = Image.new("L", picture.size, 0)
    ImageDraw.Draw(shadow).ellipse((left - 24, HORIZON + 56, left + width + 24, HORIZON + 108), fill=110)
    picture.paste((50, 40, 32), (0, 0), shadow.filter(ImageFilter.GaussianBlur(9)))


_FURNITURE: Final[Mapping[str, Callable[[Image.Image, random.Random, int], None]]] = {
    "bedroom": _bed,
    "kitchen": _counter,
    "dining_room": _table,
    "office": _table,
    "bathroom": _bath,
}


def _lamp(picture: Image.Image, pick: random.Random, frame: int) -> None:
    at = frame + 39
    draw = ImageDraw.Draw(picture)
    draw.line([(at, 0), (at, 44)], fill=(70, 66, 60), width=2)
    draw.pieslice((at - 34, 30, at + 34, 92), 180, 360, fill=(72, 82, 70))
    draw.rectangle((frame, 124, frame + 78, 222), fill=(250, 248, 244), outline=(92, 84, 74), width=4)
    draw.rectangle((frame + 20, 146, frame + 58, 200), fill=_scaled(pick.choice(_CLOTH), 1.25))


def _outside(pick: random.Random) -> Image.Image:
    picture = _gradient((150, 186, 216), 1.3, HEIGHT)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 360, WIDTH, HEIGHT), fill=(120, 146, 100))
    draw.ellipse((-90, 210, 160, 420), fill=(92, 120, 84))
    draw.ellipse((590, 190, 860, 420), fill=(100, 128, 90))
    draw.rectangle((140, 190, 580, 380), fill=(244, 241, 234))
    draw.polygon([(110, 196), (360, 84), (610, 196)], fill=pick.choice(((120, 74, 56), (86, 84, 82))))
    for left in (180, 290, 400, 500):
        draw.rectangle((left, 236, left + 52, 306), fill=(98, 116, 128), outline=(252, 250, 246), width=5)
    draw.rectangle((330, 296, 384, 380), fill=pick.choice(_CLOTH))
    return _lit(picture, 200)


def _gradient(colour: Colour, end: float, height: int) -> Image.Image:
    column = Image.new("RGB", (1, height))
    for row in range(height):
        column.putpixel((0, row), _scaled(colour, 1 + (end - 1) * row / height))
    return column.resize((WIDTH, height))


def _lit(picture: Image.Image, left: int) -> Image.Image:
    glow = Image.new("L", picture.size, 0)
    ImageDraw.Draw(glow).polygon([(left, 60), (left + 260, 60), (left + 420, HEIGHT), (left + 40, HEIGHT)], fill=54)
    picture.paste((255, 248, 232), (0, 0), glow.filter(ImageFilter.GaussianBlur(46)))
    return picture


def _scaled(colour: Colour, by: float) -> Colour:
    red, green, blue = (min(255, round(part * by)) for part in colour)
    return red, green, blue
