"""`python -m tests.web.rooms [NUMBER ...]`: draws the photos of the demo, rooms cast ray by ray, into the package.

They are committed: what the demo uploads and the screenshots show is the same on every machine.
"""

import copy
import itertools
import math
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from editqueue.entrypoints.commands.demo_photos import EDITED, PICTURES, WAITING, Room

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Colour = tuple[float, float, float]
Block = tuple[float, float, float, float, float, float]
"""x from, to, y from, to, z from, to; in metres, y upwards, z away from the camera."""

LONG_EDGE: Final = 1080
FINER: Final = 2
"""Rays along each edge of a pixel."""
WIDE: Final = 2.7
HIGH: Final = 2.75
CLOTHS: Final[Sequence[Colour]] = ((122, 137, 119), (164, 122, 96), (128, 138, 148), (198, 188, 172), (96, 110, 94))
WOODS: Final[Sequence[Colour]] = ((168, 128, 92), (140, 104, 74), (190, 158, 120))
WALLS: Final[Sequence[Colour]] = ((236, 230, 220), (228, 232, 226), (238, 234, 226), (226, 222, 214))
ACCENTS: Final[Sequence[Colour]] = ((150, 164, 146), (198, 176, 156), (172, 182, 188), (206, 192, 170))
PALE: Final[Colour] = (246, 243, 237)
LEAF: Final[Colour] = (104, 130, 92)


class Scene:
    """What has been seen so far through every pixel, and how far away it is."""

    def __init__(self, room: Room, *, eye: tuple[float, float, float], yaw: float, tilt: float = 0.0) -> None:
        scale = FINER * LONG_EDGE / max(room.width, room.height)
        self.width, self.height = round(room.width * scale), round(room.height * scale)
        self.pick = random.Random(room.number)
        self.eye = eye
        self.yaw, self.tilt = yaw, tilt
        across, down = np.meshgrid(np.arange(self.width), np.arange(self.height))
        half = max(self.width, self.height * 0.9) / 2
        self.half = half / 0.66
        u = ((across - self.width / 2) / self.half).astype(np.float32)
        self.dy = ((self.height * 0.48 - down) / self.half + tilt).astype(np.float32)
        self.dx = u * math.cos(yaw) + math.sin(yaw)
        self.dz = -u * math.sin(yaw) + math.cos(yaw)
        for direction in (self.dx, self.dy, self.dz):
            direction[np.abs(direction) < 1e-4] = 1e-4
        self.depth = np.full(u.shape, 1e6, np.float32)
        self.image = np.zeros((*u.shape, 3), np.float32)
        self.lamp = (0.0, 1.6, 6.0)
        self.daylight = 0.0
        """What comes from everywhere; outside, most of it."""

    def around(self, corners: Iterable[tuple[float, float, float]], more: float = 0.0) -> "Scene":
        """The part of the picture that these may cover, sharing its pixels with the whole."""
        ahead, right, up = zip(*(self._seen(corner) for corner in corners), strict=True)
        if min(ahead) - more < 0.2:
            return self
        reach = more / (min(ahead) - more) + 4 / self.half
        across = [self.width / 2 + (min(right) - reach) * self.half, self.width / 2 + (max(right) + reach) * self.half]
        down = [self.height * 0.48 - (height - self.tilt) * self.half for height in (max(up) + reach, min(up) - reach)]
        part = copy.copy(self)
        columns, rows = (slice(max(0, int(a)), max(0, int(b) + 1)) for a, b in (across, down))
        part.dx, part.dy, part.dz = self.dx[rows, columns], self.dy[rows, columns], self.dz[rows, columns]
        part.depth, part.image = self.depth[rows, columns], self.image[rows, columns]
        return part

    def _seen(self, point: tuple[float, float, float]) -> tuple[float, float, float]:
        x, y, z = (point[axis] - self.eye[axis] for axis in range(3))
        ahead = x * math.sin(self.yaw) + z * math.cos(self.yaw)
        return ahead, (x * math.cos(self.yaw) - z * math.sin(self.yaw)) / (ahead or 1e-6), y / (ahead or 1e-6)

    def at(self, distance: Array) -> tuple[Array, Array, Array]:
        x, y, z = self.eye
        return distance * self.dx + x, distance * self.dy + y, distance * self.dz + z

    def light(self, point: tuple[Array, Array, Array], *, near: float = 0.72, least: float = 0.5) -> Array:
        """Daylight from the window, falling off softly."""
        far = sum((here - there) ** 2 for here, there in zip(point, self.lamp, strict=True))
        return near / (1 + 0.13 * np.asarray(far, np.float32)) + least + self.daylight

    def put(self, mask: Mask, colour: Colour, shade: Array | float = 1.0) -> None:
        lit = np.asarray(shade, np.float32)[..., None] * np.asarray(colour, np.float32)
        self.image[mask] = np.broadcast_to(lit, self.image.shape)[mask]

    def darken(self, mask: Mask, by: float, *, blur: float) -> None:
        soft = blurred(mask.astype(np.float32), blur * self.width) * by
        self.image *= np.where(self.floor, 1 - soft, 1)[..., None]

    floor: Mask

    def box(self, block: Block, colour: Colour) -> None:
        part = self.around(itertools.product(block[:2], block[2:4], block[4:]))
        if part.depth.size:
            part._box(block, colour)

    def _box(self, block: Block, colour: Colour) -> None:
        near, far, entry = self._through(block)
        hit = (near < far) & (near > 0.05) & (near < self.depth)
        top, side = entry == 1, entry == 0
        point = self.at(near)
        rise = (point[1] - block[2]) / max(block[3] - block[2], 0.01)
        face = np.where(top, 1.06, np.where(side, 0.72, 0.8) * (0.88 + 0.16 * rise))
        self.put(hit, colour, face * self.light(point, least=0.46))
        self.depth[hit] = near[hit]

    def _through(self, block: Block) -> tuple[Array, Array, NDArray[np.intp]]:
        pairs = [
            ((block[2 * axis] - self.eye[axis]) / ray, (block[2 * axis + 1] - self.eye[axis]) / ray)
            for axis, ray in enumerate((self.dx, self.dy, self.dz))
        ]
        entries = np.stack([np.minimum(*pair) for pair in pairs])
        exits = np.stack([np.maximum(*pair) for pair in pairs])
        return entries.max(axis=0), exits.min(axis=0), entries.argmax(axis=0)

    def ball(self, centre: tuple[float, float, float], radius: float, colour: Colour) -> None:
        part = self.around([centre], 1.2 * radius)
        if part.depth.size:
            part._ball(centre, radius, colour)

    def _ball(self, centre: tuple[float, float, float], radius: float, colour: Colour) -> None:
        ox, oy, oz = (self.eye[axis] - centre[axis] for axis in range(3))
        a = self.dx**2 + self.dy**2 + self.dz**2
        b = self.dx * ox + self.dy * oy + self.dz * oz
        inside = b * b - a * (ox * ox + oy * oy + oz * oz - radius * radius)
        distance = (-b - np.sqrt(np.maximum(inside, 0))) / a
        hit = (inside > 0) & (distance > 0.05) & (distance < self.depth)
        x, y, _ = self.at(distance)
        up, across = (y - centre[1]) / radius, (x - centre[0]) / radius
        leaves = 0.05 * np.sin(up * 23 + across * 7) + 0.05 * np.sin(across * 29 - up * 11)
        self.put(hit, colour, 0.86 + 0.26 * up + leaves)
        self.depth[hit] = distance[hit]

    def save(self, target: Path) -> None:
        curve = 255 * (np.clip(self.image, 0, 400) / 255 / (1 + 0.09 * np.clip(self.image, 0, 400) / 255)) ** 0.94
        full = Image.fromarray(np.clip(curve, 0, 255).astype(np.uint8))
        small = full.resize((self.width // FINER, self.height // FINER), Image.Resampling.LANCZOS)
        small.point([min(255, round(value * 1.13 + 4)) for value in range(256)] * 3).save(target, quality=82)


def blurred(values: Array, radius: float) -> Array:
    """Three box blurs: near enough to a Gaussian."""
    size = max(1, round(radius))
    for _ in range(3):
        for axis in (0, 1):
            padded = np.concatenate([np.repeat(values.take([0], axis), size, axis), values], axis)
            padded = np.concatenate([padded, np.repeat(values.take([-1], axis), size, axis)], axis)
            total = np.cumsum(padded, axis, dtype=np.float64)
            low, high = (
                total.take(range(total.shape[axis] - 2 * size), axis),
                total.take(range(2 * size, total.shape[axis]), axis),
            )
            values = ((high - low) / (2 * size)).astype(np.float32)
    return values


def inside(room: Room) -> Scene:
    """An empty room with a window, and the furniture that its kind has."""
    pick = random.Random(room.number * 7)
    scene = Scene(room, eye=(pick.uniform(-0.6, 0.6), 1.45, 0.0), yaw=pick.uniform(-0.2, 0.2))
    deep = pick.uniform(4.7, 5.4)
    left = pick.uniform(-1.6, -0.5)
    window = (left, left + pick.uniform(1.5, 2.0), pick.choice((0.06, 0.85)), 2.3)
    scene.lamp = ((window[0] + window[1]) / 2, 1.5, deep + 0.5)
    shell(scene, deep, window, wall=pick.choice(WALLS), accent=pick.choice((None, *ACCENTS)))
    FURNITURE[room.kind](scene, deep, window[1] + 0.5)
    return scene


def shell(scene: Scene, deep: float, window: tuple[float, ...], *, wall: Colour, accent: Colour | None) -> None:
    x0, y0, _ = scene.eye
    to_side = np.where(scene.dx > 0, (WIDE - x0) / scene.dx, (-WIDE - x0) / scene.dx)
    to_flat = np.where(scene.dy > 0, (HIGH - y0) / scene.dy, -y0 / scene.dy)
    to_back = np.where(scene.dz > 0, deep / scene.dz, 1e6)
    scene.depth = np.minimum(np.minimum(to_side, to_flat), to_back).astype(np.float32)
    flat, back = scene.depth == to_flat, scene.depth == to_back
    scene.floor = flat & (scene.dy < 0)
    x, y, z = point = scene.at(scene.depth)
    light = scene.light(point)
    for gap, own, reach in (
        (WIDE - np.abs(x), ~flat & ~back, 0.35),
        (y, scene.floor, 0.4),
        (HIGH - y, flat & ~scene.floor, 0.35),
        (deep - z, back, 0.4),
    ):
        light *= np.where(own, 1, 1 - 0.28 * np.exp(-np.abs(gap) / reach))
    everything = np.ones_like(back)
    scene.put(everything, wall, light)
    if accent is not None:
        scene.put(back, accent, light)
    scene.put(y < 0.09, PALE, light + 0.03)
    scene.put(flat & ~scene.floor, (250, 248, 244), light * 0.9 + 0.1)
    planks(scene, x, z, light)
    sunlight(scene, x, z, deep, window)
    glass(scene, back, x, y, light, window)


def planks(scene: Scene, x: Array, z: Array, light: Array) -> None:
    column = np.floor(x * 5)
    row = np.floor((z + column * 1.37) / 1.5)
    chance = np.sin(column * 12.9898 + row * 78.233) * 43758.5
    tone = 0.88 + 0.16 * (chance - np.floor(chance))
    grain = 1 + 0.025 * np.sin(x * 140 + np.sin(z * 9) * 2)
    seam = np.where((x * 5 - column < 0.025) | ((z + column * 1.37) / 1.5 - row < 0.006), 0.8, 1)
    scene.put(scene.floor, scene.pick.choice(WOODS), tone * grain * seam * light * 1.12)


def sunlight(scene: Scene, x: Array, z: Array, deep: float, window: tuple[float, ...]) -> None:
    slid = x - (deep - z) * 0.35
    panes = (slid - window[0]) / (window[1] - window[0]) * 2
    falls = scene.floor & (panes > 0) & (panes < 2) & (panes % 1 > 0.05) & (deep - z > 0.3) & (deep - z < 1.9)
    glow = blurred(falls.astype(np.float32), scene.width / 260)
    scene.image *= 1 + glow[..., None] * np.asarray((0.42, 0.37, 0.28), np.float32)


def glass(scene: Scene, back: Mask, x: Array, y: Array, light: Array, window: tuple[float, ...]) -> None:
    left, right, low, high = window

    def within(more: float) -> Mask:
        return back & (x > left - more) & (x < right + more) & (y > low - more) & (y < high + more)

    number = scene.pick.uniform(0, 6)
    hill = 1.32 + 0.14 * np.sin(x * 1.3 + number) + 0.05 * np.sin(x * 3.7 + number * 2)
    leaf = 0.9 + 0.09 * np.sin(x * 31 + y * 17) * np.sin(y * 37 - x * 13)
    scene.put(within(0.06), PALE, light * 0.3 + 0.68)
    scene.put(within(0), (222, 235, 246), 1.06 - 0.1 * (y - low))
    scene.put(within(0) & (y < hill), (140, 162, 122), leaf + 0.1)
    scene.put(within(0) & (y < hill - 0.3), (160, 182, 132), leaf + 0.14)
    scene.put(within(0) & (np.abs(x - (left + right) / 2) < 0.035), PALE, 0.96)
    for start in (left - 0.46, right + 0.06):
        curtain = back & (x > start) & (x < start + 0.4) & (y > 0.02) & (y < 2.52)
        scene.put(curtain, (240, 235, 226), (0.97 + 0.05 * np.sin((x - start) * 52)) * (light * 0.35 + 0.6))


def framed(scene: Scene, deep: float, left: float, colour: Colour) -> None:
    left = left if left < WIDE - 0.75 else -2.4
    scene.box((left, left + 0.66, 1.2, 2.06, deep - 0.03, deep), (92, 82, 70))
    scene.box((left + 0.03, left + 0.63, 1.23, 2.03, deep - 0.035, deep), (250, 248, 244))
    scene.box((left + 0.16, left + 0.5, 1.4, 1.86, deep - 0.04, deep), colour)


def shadow(scene: Scene, left: float, right: float, near: float, far: float) -> None:
    x, _, z = scene.at(np.where(scene.floor, -scene.eye[1] / scene.dy, 0).astype(np.float32))
    scene.darken(scene.floor & (x > left) & (x < right) & (z > near - 0.1) & (z < far), 0.42, blur=1 / 90)


def rug(scene: Scene, colour: Colour) -> None:
    x, y, z = scene.at(np.where(scene.floor, -scene.eye[1] / scene.dy, 0).astype(np.float32))
    lies = scene.floor & (np.abs(x) < 1.55) & (z > 2.1) & (z < 4.0)
    scene.put(lies, colour, scene.light((x, y, z)) * (1 + 0.02 * np.sin(x * 60) * np.sin(z * 60)))


def pendant(scene: Scene, x: float, z: float) -> None:
    scene.box((x - 0.01, x + 0.01, 2.0, HIGH, z - 0.01, z + 0.01), (90, 88, 84))
    scene.box((x - 0.16, x + 0.16, 1.84, 2.02, z - 0.16, z + 0.16), scene.pick.choice(((96, 108, 92), (214, 206, 192))))


def plant(scene: Scene, x: float, z: float) -> None:
    shadow(scene, x - 0.25, x + 0.25, z - 0.2, z + 0.2)
    scene.box((x - 0.15, x + 0.15, 0, 0.34, z - 0.15, z + 0.15), (226, 218, 206))
    for _ in range(26):
        place = (x + scene.pick.gauss(0, 0.14), scene.pick.uniform(0.45, 1.2), z + scene.pick.gauss(0, 0.1))
        scene.ball(place, scene.pick.uniform(0.06, 0.13), LEAF)


def table(scene: Scene, left: float, near: float, size: tuple[float, float, float]) -> None:
    wide, deep, high = size
    wood = scene.pick.choice(WOODS)
    shadow(scene, left, left + wide, near, near + deep)
    for x in (left + 0.04, left + wide - 0.1):
        for z in (near + deep - 0.1, near + 0.04):
            scene.box((x, x + 0.06, 0, high, z, z + 0.06), wood)
    scene.box((left, left + wide, high, high + 0.045, near, near + deep), wood)


def sofa(scene: Scene, left: float, near: float) -> None:
    cloth = scene.pick.choice(CLOTHS)
    light = (min(255, cloth[0] * 1.08), min(255, cloth[1] * 1.08), min(255, cloth[2] * 1.08))
    shadow(scene, left - 0.2, left + 2.3, near, near + 0.9)
    scene.box((left, left + 2.1, 0.12, 0.42, near, near + 0.9), cloth)
    scene.box((left, left + 2.1, 0.4, 0.86, near + 0.68, near + 0.92), cloth)
    for x in (left - 0.2, left + 2.08):
        scene.box((x, x + 0.22, 0.1, 0.62, near - 0.02, near + 0.9), cloth)
    for x in (left + 0.05, left + 1.07):
        scene.box((x, x + 0.98, 0.4, 0.55, near - 0.02, near + 0.7), light)
    scene.box((left + 0.12, left + 0.5, 0.55, 0.9, near + 0.48, near + 0.62), (196, 132, 92))
    scene.box((left + 1.56, left + 1.94, 0.55, 0.9, near + 0.48, near + 0.62), (232, 224, 210))


def living_room(scene: Scene, deep: float, free: float) -> None:
    rug(scene, scene.pick.choice(((210, 204, 192), (184, 176, 160), (200, 184, 166))))
    framed(scene, deep, free, scene.pick.choice(CLOTHS))
    plant(scene, 2.25, deep - 0.5)
    sofa(scene, scene.pick.uniform(-1.2, -0.7), deep - 1.5)
    table(scene, -0.6, deep - 2.7, (1.2, 0.6, 0.36))


def kitchen(scene: Scene, deep: float, free: float) -> None:
    front = scene.pick.choice(((112, 128, 110), (236, 233, 226), (126, 136, 142)))
    shadow(scene, -2.7, 2.7, deep - 0.7, deep)
    scene.box((-2.7, 2.7, 0.08, 0.88, deep - 0.58, deep), front)
    for seam in range(9):
        scene.box((-2.7 + seam * 0.6, -2.69 + seam * 0.6, 0.1, 0.86, deep - 0.585, deep), (90, 92, 88))
    scene.box((-2.7, 2.7, 0.88, 0.93, deep - 0.62, deep), (214, 198, 174))
    scene.box((free + 0.1, 2.7, 1.55, 2.25, deep - 0.34, deep), front)
    shadow(scene, -0.9, 0.9, 2.9, 3.5)
    scene.box((-0.9, 0.9, 0, 0.88, 2.9, 3.5), front)
    scene.box((-0.98, 0.98, 0.88, 0.93, 2.82, 3.58), (226, 218, 204))
    scene.ball((0.4, 1.0, 3.2), 0.09, (196, 120, 76))
    for x in (-0.4, 0.4):
        pendant(scene, x, 3.2)


def bedroom(scene: Scene, deep: float, free: float) -> None:
    cloth, wood, left = scene.pick.choice(CLOTHS), scene.pick.choice(WOODS), scene.pick.uniform(-1.1, -0.7)
    rug(scene, (206, 198, 184))
    framed(scene, deep, max(free, left + 2.3), cloth)
    shadow(scene, left - 0.3, left + 2.2, deep - 2.2, deep)
    scene.box((left - 0.1, left + 2.0, 0, 1.1, deep - 0.14, deep - 0.04), cloth)
    scene.box((left, left + 1.9, 0.12, 0.34, deep - 2.15, deep - 0.1), wood)
    scene.box((left + 0.02, left + 1.88, 0.34, 0.56, deep - 2.13, deep - 0.14), PALE)
    scene.box((left - 0.02, left + 1.92, 0.36, 0.6, deep - 2.15, deep - 0.95), cloth)
    for x in (left + 0.16, left + 1.02):
        scene.box((x, x + 0.72, 0.56, 0.76, deep - 0.72, deep - 0.28), (253, 251, 247))
    for x in (left - 0.62, left + 2.08):
        scene.box((x, x + 0.46, 0.06, 0.5, deep - 0.48, deep - 0.06), wood)
        scene.box((x + 0.2, x + 0.26, 0.5, 0.68, deep - 0.3, deep - 0.24), (130, 120, 106))
        scene.box((x + 0.1, x + 0.36, 0.68, 0.9, deep - 0.4, deep - 0.14), (252, 244, 228))


def bathroom(scene: Scene, deep: float, free: float) -> None:
    shadow(scene, -1.1, 1.0, deep - 1.3, deep - 0.4)
    scene.box((-1.0, 0.9, 0.02, 0.58, deep - 1.25, deep - 0.45), (252, 252, 250))
    scene.box((-0.9, 0.8, 0.575, 0.585, deep - 1.15, deep - 0.55), (206, 218, 222))
    side = max(free, 1.3)
    scene.box((side, 2.65, 0.45, 0.82, deep - 0.5, deep), scene.pick.choice(WOODS))
    scene.box((side - 0.04, 2.68, 0.82, 0.92, deep - 0.54, deep), (250, 250, 248))
    scene.box((side + 0.15, 2.45, 1.2, 2.1, deep - 0.03, deep), (206, 220, 226))
    plant(scene, -2.2, deep - 0.5)


def dining_room(scene: Scene, deep: float, free: float) -> None:
    cloth = scene.pick.choice(CLOTHS)
    rug(scene, (204, 198, 186))
    framed(scene, deep, free, scene.pick.choice(((176, 104, 62), (122, 137, 119))))
    plant(scene, -2.25, deep - 0.5)
    table(scene, -1.0, deep - 2.1, (2.0, 0.9, 0.72))
    for x in (-0.75, 0.3):
        for leg in (x, x + 0.42):
            scene.box((leg, leg + 0.04, 0, 0.44, deep - 2.56, deep - 2.52), (120, 92, 68))
        scene.box((x, x + 0.46, 0.42, 0.48, deep - 2.56, deep - 2.16), cloth)
        scene.box((x, x + 0.46, 0.48, 0.92, deep - 2.6, deep - 2.54), cloth)
    scene.box((-0.07, 0.07, 0.765, 0.98, deep - 1.7, deep - 1.56), (240, 236, 226))
    for _ in range(9):
        scene.ball((scene.pick.gauss(0, 0.08), scene.pick.uniform(1.0, 1.25), deep - 1.63), 0.06, LEAF)


def hallway(scene: Scene, deep: float, free: float) -> None:
    framed(scene, deep, free, scene.pick.choice(CLOTHS))
    table(scene, max(free - 0.2, 0.9), deep - 0.5, (1.0, 0.36, 0.82))
    plant(scene, -2.2, deep - 0.6)
    pendant(scene, 0.1, 3.2)


FURNITURE: Final[Mapping[str, Callable[[Scene, float, float], None]]] = {
    "living_room": living_room,
    "kitchen": kitchen,
    "bedroom": bedroom,
    "children_room": bedroom,
    "bathroom": bathroom,
    "dining_room": dining_room,
    "office": dining_room,
    "hallway": hallway,
    "attic": living_room,
}


def outside(room: Room) -> Scene:
    """Lawn and sky, a flat-roofed house; from its terrace where that is the subject."""
    terrace = room.kind in {"terrace", "balcony"}
    scene = Scene(room, eye=(-3.2 if not terrace else 0.4, 1.6, -3.5 if not terrace else 0.0), yaw=0.2, tilt=0.05)
    scene.lamp, scene.daylight = (-6.0, 9.0, -2.0), 0.42
    sky(scene)
    trees(scene, near=14)
    if terrace:
        deck(scene)
    else:
        house(scene)
    return scene


def sky(scene: Scene) -> None:
    up = np.clip(scene.dy, 0, 1)
    everything = np.ones(scene.depth.shape, np.bool_)
    scene.put(everything, (196, 220, 240), 1.08 - 0.32 * up)
    cloud = np.sin(scene.dx * 5 + 1) * np.sin(scene.dy * 19 + scene.dx * 4) + 0.5 * np.sin(scene.dx * 13)
    scene.image += (np.clip(blurred(cloud.astype(np.float32), 18) - 0.4, 0, 1) * 26)[..., None]
    scene.floor = scene.dy < 0
    scene.depth = np.where(scene.floor, -scene.eye[1] / scene.dy, 1e6).astype(np.float32)
    x, _, z = scene.at(np.where(scene.floor, scene.depth, 0).astype(np.float32))
    blades = 1 + 0.05 * np.sin(x * 23 + z * 5) * np.sin(z * 31) + 0.04 * np.sin(x * 3) * np.sin(z * 2)
    scene.put(scene.floor, (134, 160, 104), blades * np.clip(1.05 - z / 160, 0.8, 1.05))


def trees(scene: Scene, *, near: float) -> None:
    for _ in range(60):
        x, z = scene.pick.uniform(-22, 26), scene.pick.uniform(near, near + 8)
        scene.ball((x, scene.pick.uniform(0.6, 2.6), z), scene.pick.uniform(0.7, 1.7), (106, 134, 92))


def house(scene: Scene) -> None:
    white, wood, dark = (244, 241, 234), (178, 138, 100), (92, 104, 112)
    shadow(scene, -3.6, 5.2, 4.0, 9.0)
    scene.box((-3.2, 4.6, 0, 3.0, 4.6, 9.0), white)
    scene.box((-1.0, 4.6, 3.0, 5.7, 4.6, 9.0), white)
    scene.box((-3.4, 4.8, 2.95, 3.15, 4.3, 9.2), (214, 210, 202))
    scene.box((-1.2, 4.8, 5.65, 5.85, 4.3, 9.2), (214, 210, 202))
    scene.box((2.4, 4.62, 0.02, 2.95, 4.56, 4.7), wood)
    for left, right, low, high in (
        (-2.7, 0.4, 0.15, 2.5),
        (0.9, 1.9, 0.05, 2.4),
        (-0.5, 1.3, 3.6, 5.1),
        (2.2, 4.0, 3.6, 5.1),
    ):
        scene.box((left - 0.06, right + 0.06, low - 0.06, high + 0.06, 4.55, 4.7), PALE)
        scene.box((left, right, low, high, 4.54, 4.7), dark)
        middle = (left + right) / 2
        scene.box((middle - 0.03, middle + 0.03, low, high, 4.53, 4.7), PALE)
    scene.box((-3.4, 2.2, 0, 0.06, 2.4, 4.6), (206, 198, 186))
    for x in (-4.2, 5.4):
        for _ in range(24):
            place = (x + scene.pick.gauss(0, 0.4), scene.pick.uniform(0.3, 1.5), 5 + scene.pick.gauss(0, 0.4))
            scene.ball(place, scene.pick.uniform(0.2, 0.4), LEAF)


def deck(scene: Scene) -> None:
    x, _, z = scene.at(np.where(scene.floor, scene.depth, 0).astype(np.float32))
    boards = 0.9 + 0.1 * np.sin(np.floor(x * 7) * 12.9) - np.where((x * 7) % 1 < 0.06, 0.22, 0)
    scene.put(scene.floor & (z < 5.2), scene.pick.choice(WOODS), boards * 1.14)
    scene.box((-6, 6, 0.96, 1.02, 5.16, 5.24), (86, 92, 86))
    for post in range(-40, 41):
        scene.box((post * 0.15, post * 0.15 + 0.018, 0.05, 0.98, 5.19, 5.21), (86, 92, 86))
    table(scene, -0.4, 2.9, (1.3, 0.8, 0.7))
    for left in (-1.15, 1.15):
        shadow(scene, left, left + 0.6, 2.9, 3.6)
        scene.box((left, left + 0.6, 0.36, 0.44, 2.95, 3.55), (214, 206, 192))
        scene.box((left, left + 0.6, 0.44, 0.95, 3.5, 3.56), (206, 198, 184))
        for leg in (left, left + 0.56):
            scene.box((leg, leg + 0.04, 0, 0.36, 2.95, 2.99), (120, 110, 96))
    plant(scene, -2.1, 4.5)
    plant(scene, 2.6, 4.6)


def draw(room: Room) -> Scene:
    return inside(room) if room.kind in FURNITURE else outside(room)


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    numbers = {int(word) for word in sys.argv[1:]}
    for room in (*EDITED, *WAITING):
        if not numbers or room.number in numbers:
            draw(room).save(PICTURES / room.picture)
