"""Ways to spoil a file, each by chance alone: the same chance gives the same file."""

from collections.abc import Callable, Mapping
from random import Random

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
HEAD = 4096
"""Where headers and indexes mostly are; half of all changes go there."""

Mutation = Callable[[bytearray, Random, Mapping[str, bytes]], None]


def mutate(seeds: Mapping[str, bytes], chance: Random) -> tuple[str, bytes]:
    """A seed's name and what became of it: one to four mutations, one after the other."""
    name = chance.choice(sorted(seeds))
    body = bytearray(seeds[name])
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        if len(body) > 1:
            chance.choice(MUTATIONS)(body, chance, seeds)
    return name, bytes(body)


def _place(body: bytearray, chance: Random) -> int:
    kind = chance.random()
    if kind < 0.5:
        return chance.randrange(min(len(body), HEAD))
    if kind < 0.7:
        return chance.randrange(max(0, len(body) - HEAD), len(body))
    return chance.randrange(len(body))


def cut(body: bytearray, chance: Random, _: Mapping[str, bytes]) -> None:
    del body[_place(body, chance) :]


def flip_bits(body: bytearray, chance: Random, _: Mapping[str, bytes]) -> None:
    for _number in range(chance.choice((1, 1, 3, 30))):
        body[_place(body, chance)] ^= 1 << chance.randrange(8)


def set_bytes(body: bytearray, chance: Random, _: Mapping[str, bytes]) -> None:
    for _number in range(chance.choice((1, 4, 40))):
        body[_place(body, chance)] = chance.choice((0, 1, 127, 128, 254, 255, chance.randrange(256)))


def set_number(body: bytearray, chance: Random, _: Mapping[str, bytes]) -> None:
    """A size, count or offset at the edge of what fits."""
    width = chance.choice((2, 4, 4, 8))
    at = _place(body, chance)
    value = chance.choice(EDGES) & (256**width - 1)
    body[at : at + width] = value.to_bytes(width, chance.choice(("big", "little")))


def zero(body: bytearray, chance: Random, _: Mapping[str, bytes]) -> None:
    at, length = _place(body, chance), chance.choice((4, 64, 1024, 16_384))
    body[at : at + length] = bytes(len(body[at : at + length]))


def remove(body: bytearray, chance: Random, _: Mapping[str, bytes]) -> None:
    at = _place(body, chance)
    del body[at : at + chance.choice((1, 4, 100, 5000))]


def repeat(body: bytearray, chance: Random, _: Mapping[str, bytes]) -> None:
    at, length = _place(body, chance), chance.choice((1, 12, 500, 5000))
    body[at:at] = body[at : at + length] * chance.choice((1, 2, 50))


def splice(body: bytearray, chance: Random, seeds: Mapping[str, bytes]) -> None:
    """The head of one kind before the rest of another."""
    other = seeds[chance.choice(sorted(seeds))]
    body[_place(body, chance) :] = other[chance.randrange(len(other)) :]


def append(body: bytearray, chance: Random, seeds: Mapping[str, bytes]) -> None:
    body += chance.choice((chance.randbytes(300), seeds[chance.choice(sorted(seeds))]))


MUTATIONS: tuple[Mutation, ...] = (
    cut, flip_bits, flip_bits, set_bytes, set_number, set_number, zero, remove, repeat, splice, append,
)  # fmt: skip
