"""Another hand's outlines of the sixteen shapes: distance fields, not the polygons of `clipdesk.scenes.shapes`.

A field is negative inside and grows with the distance from the outline. Each maker draws its proportions anew: a star
has five to seven tips, a tree needles or leaves, a flower a stem or none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Points = NDArray[np.floating]


@dataclass(frozen=True)
class Outline:
    """A shape at the points of a picture.

    Attributes:
        body: Its field.
        dark: Fields of what is drawn on it in a tone that stands out, such as eyes.
    """

    body: Field
    dark: list[Field] = field(default_factory=list)


def circle(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A disc, a little flattened."""
    return Outline(_disc(x, y * np.float32(rng.uniform(0.94, 1.06)), 0.92))


def square(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A square with corners more or less round."""
    return Outline(_box(x, y, 0.8, 0.8 * rng.uniform(0.93, 1.07), rng.uniform(0, 0.22)))


def triangle(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A triangle of three equal sides or two, with its tips cut off a little."""
    half, tip = rng.uniform(0.75, 1.1), -rng.uniform(0.85, 1.15)
    return Outline(np.maximum(_cone(x, y, tip, 0.72, half), _disc(x, y - 0.1, rng.uniform(1.05, 1.4))))


def star(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A star of five to seven tips."""
    tips, inner = int(rng.choice([5, 5, 5, 6, 7])), rng.uniform(0.38, 0.58)
    wedge = math.pi / tips
    angle = np.abs((np.arctan2(x, -y) + wedge) % (2 * wedge) - wedge)
    radius = np.hypot(x, y)
    u, v = radius * np.cos(angle), radius * np.sin(angle)
    # The edge goes from the tip at (1.1, 0) to the notch.
    notch = np.array([math.cos(wedge), math.sin(wedge)]) * inner * 1.1
    edge = notch - (1.1, 0)
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return Outline(_single((u - 1.1) * normal[0] + v * normal[1]))


def heart(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A square on its corner with a half disc on each of its upper sides."""
    wide, y = rng.uniform(0.9, 1.1), y - 0.12
    u, v = (x / wide - y) * math.sqrt(0.5), (x / wide + y) * math.sqrt(0.5)
    side = 0.62
    return Outline(_either(_box(u, v, side, side, 0.04), _disc(u, v + side, side), _disc(u - side, v, side)))


def ring(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A band around a hole."""
    thick = rng.uniform(0.14, 0.27)
    return Outline(_single(np.abs(np.hypot(x, y * rng.uniform(0.92, 1.08)) - (1 - thick)) - thick))


def cross(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """Two bars over each other, of about the same length."""
    width, soft = rng.uniform(0.2, 0.38), rng.uniform(0, 0.15)
    return Outline(_either(_box(x, y, 0.98, width, soft), _box(x, y, width, rng.uniform(0.9, 1.05), soft)))


def hexagon(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A regular hexagon, or a little longer than wide."""
    y = _single(y * rng.uniform(0.92, 1.08))
    sides = [np.abs(x * math.cos(a) + y * math.sin(a)) for a in (0, math.pi / 3, 2 * math.pi / 3)]
    return Outline(_single(_all(*sides) - 0.86))


def crescent(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A disc without another disc."""
    side = rng.choice([-1.0, 1.0])
    bite = _disc(x - side * rng.uniform(0.4, 0.6), y + rng.uniform(-0.15, 0.15), rng.uniform(0.7, 0.85))
    return Outline(np.maximum(_disc(x, y, 1.0), -bite))


def arrow(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A shaft with a filled head, or with two barbs."""
    width, start = rng.uniform(0.13, 0.3), rng.uniform(0.0, 0.4)
    head = _cone(y, -x, -1.08, -start, rng.uniform(0.65, 0.95))
    if rng.random() < 0.35:
        head = np.maximum(head, -_cone(y, -x, -1.08 + 2.6 * width, 2.0, 1.6 + width))
    return Outline(_either(_box(x + 0.1, y, 0.9, width, 0.03), head))


def house(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """Walls and a roof, mostly with a chimney, and with a door and windows."""
    half, eaves = rng.uniform(0.62, 0.85), rng.uniform(-0.25, 0.05)
    walls = _box(x, y - (eaves + 0.95) / 2, half, (0.95 - eaves) / 2, 0.0)
    parts = [walls, _cone(x, y, rng.uniform(-1.1, -0.9), eaves, half + rng.uniform(0.05, 0.3))]
    if rng.random() < 0.6:
        parts.append(_box(x - rng.choice([-1, 1]) * 0.45, y + 0.65, 0.12, 0.32, 0.0))
    place = rng.uniform(-0.35, 0.35)
    door = _box(x - place, y - 0.67, 0.17, 0.28, rng.choice([0.0, 0.12]))
    windows = [
        _box(x - side * half * 0.6, y - eaves - 0.3, 0.14, 0.14, rng.choice([0.0, 0.13]))
        for side in (-1, 1)
        if rng.random() < 0.8
    ]
    return Outline(_either(*parts), [door, *windows])


def tree(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A trunk below stacked needles, or below a crown of leaves."""
    trunk = _box(x, y - 0.75, rng.uniform(0.1, 0.2), 0.35, 0.0)
    if rng.random() < 0.7:
        floors = int(rng.integers(2, 5))
        edges = np.linspace(-1.1, 0.65, floors + 1)
        widths = np.linspace(rng.uniform(0.4, 0.6), rng.uniform(0.75, 0.95), floors)
        lap = 0.75 / floors
        crown = [
            _cone(x, y, top - lap, low, w)
            for top, low, w in zip([-1.1 + lap, *edges[1:-1]], edges[1:], widths, strict=True)
        ]
    else:
        spots = rng.uniform(-0.4, 0.4, (int(rng.integers(3, 6)), 2))
        crown = [_disc(x, y + 0.35, 0.55), *(_disc(x - a, y + 0.35 - b, 0.42) for a, b in spots)]
    return Outline(_either(trunk, *crown))


def fish(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A lens with a forked or straight tail, an eye and often a gill."""
    tall = rng.uniform(0.42, 0.62)
    # Two arcs through both ends of the body meet in a lens.
    reach = 0.85
    radius = (reach**2 + tall**2) / (2 * tall)
    body = np.maximum(_disc(x - 0.2, y - tall + radius, radius), _disc(x - 0.2, y + tall - radius, radius))
    tail = _cone(y, -x, 0.3, 1.1, rng.uniform(0.45, 0.7))
    if rng.random() < 0.6:
        tail = np.maximum(tail, -_cone(y, -x, 0.85, 2.0, 1.4))
    dark = [_disc(x - 0.65, y + 0.1, rng.uniform(0.08, 0.14))]
    if rng.random() < 0.5:
        dark.append(np.maximum(np.abs(_disc(x - 0.75, y, 0.5)) - 0.035, np.maximum(np.abs(y) - 0.28, x - 0.6)))
    parts = [body, tail]
    if rng.random() < 0.6:
        parts.append(_cone(x - 0.1, y, -tall - 0.3, 0.0, 0.4))
    return Outline(_either(*parts), dark)


def face(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A head with two eyes, a mouth that smiles, is straight or open, and sometimes a nose."""
    head = _disc(x * rng.uniform(1.0, 1.15), y, 0.98)
    apart, eye = rng.uniform(0.28, 0.42), rng.uniform(0.09, 0.18)
    dark = [_disc(x - side * apart, (y + 0.25) * rng.uniform(0.7, 1.0), eye) for side in (-1, 1)]
    kind = rng.random()
    if kind < 0.65:
        arc = np.abs(_disc(x, y - 0.05, rng.uniform(0.45, 0.6))) - rng.uniform(0.05, 0.09)
        dark.append(np.maximum(arc, 0.28 - y))
    elif kind < 0.8:
        dark.append(_box(x, y - 0.45, 0.35, 0.07, 0.05))
    else:
        dark.append(_disc(x * 0.75, y - 0.42, 0.2))
    if rng.random() < 0.3:
        dark.append(_cone(x, y, -0.15, 0.15, 0.09))
    return Outline(_single(head), dark)


def flower(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """Five to eight petals around a middle, sometimes on a stem."""
    petals, deep = int(rng.integers(5, 9)), rng.uniform(0.16, 0.3)
    stem = rng.random() < 0.3
    scale = 1.45 if stem else 1.0
    u, v = x * scale, (y + (0.3 if stem else 0.0)) * scale
    waves = np.cos(petals * np.arctan2(v, u) + rng.uniform(0, 6))
    head = _single((np.hypot(u, v) - (1 - deep) - deep * np.sign(waves) * np.abs(waves) ** 0.6) / scale)
    middle = _single(_disc(u, v, rng.uniform(0.2, 0.34)) / scale)
    if not stem:
        return Outline(head, [middle])
    leaf = _disc((x - 0.25) * 0.8, (y - 0.75 + 0.5 * x) * 1.6, 0.2)
    return Outline(_either(head, _box(x, y - 0.6, 0.06, 0.5, 0.0), leaf), [middle])


def car(x: Field, y: Field, rng: np.random.Generator) -> Outline:
    """A body with a cabin, windows and two wheels, seen from its side."""
    low = _box(x, y - 0.15, 1.1, rng.uniform(0.24, 0.32), rng.uniform(0.05, 0.2))
    shift, half = rng.uniform(-0.25, 0.15), rng.uniform(0.5, 0.65)
    if rng.random() < 0.5:
        cabin = np.maximum(_cone(x - shift, y, -1.5, 0.0, half + 0.35), -0.55 - y)
        glass = np.maximum(cabin + 0.11, y + 0.08)
    else:
        cabin = np.maximum(_disc(x - shift, y + 0.05, half), y)
        glass = np.maximum(cabin + 0.11, y + 0.1)
    post = np.abs(x - shift) - rng.uniform(0.03, 0.08)
    wheel, apart = rng.uniform(0.23, 0.31), rng.uniform(0.55, 0.7)
    wheels = [_disc(x - side * apart, y - 0.42, wheel) for side in (-1, 1)]
    tyres = [np.maximum(w, -(w + wheel * rng.uniform(0.5, 0.7))) for w in wheels]
    return Outline(_either(low, cabin, *wheels), [np.maximum(glass, -post), *tyres])


OUTLINES: dict[str, Callable[[Field, Field, np.random.Generator], Outline]] = {
    maker.__name__: maker
    for maker in (
        circle,
        square,
        triangle,
        star,
        heart,
        ring,
        cross,
        hexagon,
        crescent,
        arrow,
        house,
        tree,
        fish,
        face,
        flower,
        car,
    )
}
TURNS = {"heart": 30, "house": 18, "tree": 18, "fish": 30, "face": 25, "car": 18, "crescent": 70, "hexagon": 30}
"""Largest turn in degrees of the shapes that have an upper side; the others turn by any angle."""


def _single(values: Points) -> Field:
    return np.asarray(values, dtype=np.float32)


def _disc(x: Points, y: Points, radius: float) -> Field:
    return _single(np.hypot(x, y) - radius)


def _box(x: Points, y: Points, half_width: float, half_height: float, soft: float) -> Field:
    u, v = np.abs(x) - half_width + soft, np.abs(y) - half_height + soft
    return _single(np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0) - soft)


def _cone(x: Points, y: Points, tip: float, base: float, half_width: float) -> Field:
    """A triangle that points up, from its tip down to its base."""
    slope = half_width / (base - tip)
    side = (np.abs(x) - (y - tip) * slope) / math.hypot(1, slope)
    return _single(np.maximum(side, y - base))


def _either(*fields: Field) -> Field:
    return reduce(np.minimum, fields)


def _all(*fields: Points) -> Field:
    return _single(reduce(np.maximum, fields))
