"""Outlines of the sixteen shapes, as polygons in a unit frame (x right, y down, about [-1, 1])."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class Part(NamedTuple):
    """One polygon of a shape.

    ``fill`` adds to the object, ``cut`` removes from it, ``detail`` is drawn on it in a contrasting tone.
    """

    role: Literal["fill", "cut", "detail"]
    points: Points


class Shape(NamedTuple):
    """A shape: its parts, and its largest turn (degrees, either way) that does not change its meaning."""

    parts: list[Part]
    max_turn: float


def _ellipse(cx: float, cy: float, rx: float, ry: float, turn: float = 0.0, corners: int = 40) -> Points:
    angle = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    points = np.stack([rx * np.cos(angle), ry * np.sin(angle)], axis=1)
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    turned: Points = points @ np.array([[cos, sin], [-sin, cos]]) + np.array([cx, cy])
    return turned


def _polygon(*corners: tuple[float, float]) -> Points:
    return np.array(corners, dtype=np.float64)


def _regular(corners: int, radius: float = 1.0, first: float = -90.0) -> Points:
    angle = np.radians(first) + np.arange(corners) * 2 * math.pi / corners
    points: Points = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return _polygon((left, top), (right, top), (right, bottom), (left, bottom))


def _circle() -> Shape:
    return Shape([Part("fill", _ellipse(0, 0, 0.95, 0.95))], 180)


def _square() -> Shape:
    return Shape([Part("fill", _box(-0.82, -0.82, 0.82, 0.82))], 45)


def _triangle() -> Shape:
    return Shape([Part("fill", _regular(3, 1.1))], 180)


def _star() -> Shape:
    outer, inner = _regular(5, 1.1), _regular(5, 0.45, first=-54.0)
    return Shape([Part("fill", np.stack([outer, inner], axis=1).reshape(-1, 2))], 180)


def _heart() -> Shape:
    t = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return Shape([Part("fill", np.stack([x / 16.5, -y / 16.5 - 0.12], axis=1))], 25)


def _ring() -> Shape:
    return Shape([Part("fill", _ellipse(0, 0, 1, 1)), Part("cut", _ellipse(0, 0, 0.55, 0.55))], 180)


def _cross() -> Shape:
    return Shape([Part("fill", _box(-1, -0.32, 1, 0.32)), Part("fill", _box(-0.32, -1, 0.32, 1))], 45)


def _hexagon() -> Shape:
    return Shape([Part("fill", _regular(6))], 30)


def _crescent() -> Shape:
    return Shape([Part("fill", _ellipse(0, 0, 1, 1)), Part("cut", _ellipse(0.45, -0.1, 0.78, 0.78))], 60)


def _arrow() -> Shape:
    head = _polygon((0.1, -0.85), (1.1, 0), (0.1, 0.85))
    return Shape([Part("fill", _box(-1.05, -0.3, 0.15, 0.3)), Part("fill", head)], 180)


def _house() -> Shape:
    return Shape(
        [
            Part("fill", _box(-0.75, -0.1, 0.75, 0.95)),
            Part("fill", _polygon((-1.05, -0.1), (0, -1.05), (1.05, -0.1))),
            Part("detail", _box(-0.2, 0.35, 0.2, 0.95)),
            Part("detail", _box(0.35, 0.1, 0.6, 0.35)),
            Part("detail", _box(-0.6, 0.1, -0.35, 0.35)),
        ],
        15,
    )


def _tree() -> Shape:
    crown = [
        _polygon((-0.85 + d, y + 0.75), (0, y - 0.1), (0.85 - d, y + 0.75))
        for d, y in ((0.3, -1.0), (0.12, -0.55), (0, -0.1))
    ]
    return Shape([*(Part("fill", c) for c in crown), Part("fill", _box(-0.18, 0.6, 0.18, 1.1))], 15)


def _fish() -> Shape:
    return Shape(
        [
            Part("fill", _ellipse(0.2, 0, 0.85, 0.52)),
            Part("fill", _polygon((-0.45, 0), (-1.1, -0.6), (-1.1, 0.6))),
            Part("fill", _polygon((0, -0.4), (0.25, -0.85), (0.5, -0.4))),
            Part("detail", _ellipse(0.65, -0.12, 0.12, 0.12)),
        ],
        25,
    )


def _face() -> Shape:
    arc = np.radians(np.linspace(20, 160, 16))
    smile = np.concatenate(
        [
            np.stack([0.6 * np.cos(arc), 0.12 + 0.55 * np.sin(arc)], axis=1),
            np.stack([0.6 * np.cos(arc[::-1]), 0.12 + 0.32 * np.sin(arc[::-1])], axis=1),
        ]
    )
    return Shape(
        [
            Part("fill", _ellipse(0, 0, 1, 1)),
            Part("detail", _ellipse(-0.36, -0.28, 0.16, 0.2)),
            Part("detail", _ellipse(0.36, -0.28, 0.16, 0.2)),
            Part("detail", smile),
        ],
        20,
    )


def _flower() -> Shape:
    petals = [_ellipse(0.62 * math.cos(a), 0.62 * math.sin(a), 0.42, 0.42) for a in np.arange(6) * math.pi / 3]
    return Shape(
        [
            *(Part("fill", p) for p in petals),
            Part("fill", _ellipse(0, 0, 0.5, 0.5)),
            Part("detail", _ellipse(0, 0, 0.3, 0.3)),
        ],
        180,
    )


def _car() -> Shape:
    return Shape(
        [
            Part("fill", _box(-1.15, -0.05, 1.15, 0.5)),
            Part("fill", _polygon((-0.75, -0.05), (-0.45, -0.6), (0.4, -0.6), (0.75, -0.05))),
            Part("fill", _ellipse(-0.6, 0.5, 0.3, 0.3)),
            Part("fill", _ellipse(0.6, 0.5, 0.3, 0.3)),
            Part("detail", _ellipse(-0.6, 0.5, 0.2, 0.2)),
            Part("detail", _ellipse(0.6, 0.5, 0.2, 0.2)),
            Part("detail", _polygon((-0.5, -0.08), (-0.35, -0.45), (-0.05, -0.45), (-0.05, -0.08))),
            Part("detail", _polygon((0.08, -0.08), (0.08, -0.45), (0.33, -0.45), (0.5, -0.08))),
        ],
        15,
    )


_MAKERS: dict[str, Callable[[], Shape]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
    "cross": _cross,
    "hexagon": _hexagon,
    "crescent": _crescent,
    "arrow": _arrow,
    "house": _house,
    "tree": _tree,
    "fish": _fish,
    "face": _face,
    "flower": _flower,
    "car": _car,
}

SHAPES: dict[str, Shape] = {name: make() for name, make in _MAKERS.items()}
