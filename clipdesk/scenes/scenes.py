"""Scenes with known ground truth: one object of a shape, colour and texture on a coloured background.

A scene is determined by its `Scene` record and a random generator, so a seed identifies a data set.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from clipdesk.scenes.shapes import SHAPES, Points, Shape

SIZE = 128
"""Side of a scene in pixels."""

_SUPERSAMPLE = 3

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (214, 34, 38),
    "green": (38, 150, 52),
    "blue": (36, 72, 208),
    "yellow": (246, 220, 40),
    "orange": (246, 132, 20),
    "purple": (124, 44, 160),
    "pink": (248, 140, 186),
    "brown": (116, 70, 32),
    "black": (18, 18, 20),
    "white": (248, 248, 246),
    "gray": (132, 134, 138),
    "cyan": (60, 206, 220),
}
TEXTURES: tuple[str, ...] = ("plain", "striped", "dotted", "checkered")
SHAPE_NAMES: tuple[str, ...] = tuple(SHAPES)
COLOR_NAMES: tuple[str, ...] = tuple(COLORS)

FloatImage = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """The contents of a scene: the four factors that captions may mention."""

    shape: str
    color: str
    texture: str
    background: str

    @property
    def factors(self) -> tuple[int, int, int, int]:
        """Indices into `SHAPE_NAMES`, `COLOR_NAMES`, `TEXTURES` and `COLOR_NAMES`."""
        return (
            SHAPE_NAMES.index(self.shape),
            COLOR_NAMES.index(self.color),
            TEXTURES.index(self.texture),
            COLOR_NAMES.index(self.background),
        )


def is_held_out(shape: str, color: str) -> bool:
    """True if training never shows this shape x colour pair (24 of the 192 pairs; one or two for each shape)."""
    return (SHAPE_NAMES.index(shape) * 5 + COLOR_NAMES.index(color)) % 8 == 3


def sample_scene(rng: np.random.Generator, *, held_out: bool) -> Scene:
    """Sample the factors of one scene, only from the held-out pairs or only from the others."""
    while True:
        shape, color = SHAPE_NAMES[rng.integers(len(SHAPE_NAMES))], COLOR_NAMES[rng.integers(len(COLOR_NAMES))]
        if is_held_out(shape, color) == held_out:
            break
    others = [c for c in COLOR_NAMES if c != color]
    return Scene(shape, color, TEXTURES[rng.integers(len(TEXTURES))], others[rng.integers(len(others))])


def draw_scene(scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a scene, anti-aliased, with random place, size, turn and slightly varied colours.

    Returns:
        An RGB picture, uint8, of shape (128, 128, 3).
    """
    radius = rng.uniform(26, 46)
    center = rng.uniform(radius * 0.8, SIZE - radius * 0.8, size=2)
    paint = object_painter(scene, rng, center, radius)
    return as_picture(paint(draw_backdrop(scene.background, rng)))


def object_painter(
    scene: Scene, rng: np.random.Generator, center: NDArray[np.float64], radius: float
) -> Callable[[FloatImage], FloatImage]:
    """Draw a scene's object; the returned function paints it over a picture, (128, 128, 3) in [0, 1].

    Args:
        scene: Shape, colour and texture of the object.
        rng: Generator for its turn and small variations.
        center: Its centre, in pixels from the left and from the top.
        radius: About half its size, in pixels.
    """
    shape = SHAPES[scene.shape]
    turn = math.radians(rng.uniform(-shape.max_turn, shape.max_turn))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    body, detail = _masks(shape, center, radius, turn, mirror)

    color = varied(scene.color, rng)
    pattern = _pattern(scene.texture, rng)[..., None]
    surface = color * (1 - pattern) + _second_tone(color) * pattern
    dark = color.mean() < 0.35
    detail_color = np.full(3, 0.92 if dark else 0.08, dtype=np.float32)

    def paint(picture: FloatImage) -> FloatImage:
        covered = picture + body[..., None] * (surface - picture)
        return np.asarray(covered + (detail * body)[..., None] * (detail_color - covered), dtype=np.float32)

    return paint


def as_picture(image: FloatImage) -> NDArray[np.uint8]:
    """Convert a picture in [0, 1] to uint8."""
    return (image.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _masks(
    shape: Shape, center: NDArray[np.float64], radius: float, turn: float, mirror: float
) -> tuple[FloatImage, FloatImage]:
    """Coverage in [0, 1] of the object and of the details drawn on it."""
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[cos, sin], [-sin, cos]]) * radius * _SUPERSAMPLE
    big = SIZE * _SUPERSAMPLE
    body, detail = Image.new("L", (big, big), 0), Image.new("L", (big, big), 0)
    pens = {
        "fill": (ImageDraw.Draw(body), 255),
        "cut": (ImageDraw.Draw(body), 0),
        "detail": (ImageDraw.Draw(detail), 255),
    }
    for part in shape.parts:
        points: Points = (part.points * np.array([mirror, 1.0])) @ matrix + center * _SUPERSAMPLE
        pen, value = pens[part.role]
        pen.polygon([(float(x), float(y)) for x, y in points], fill=value)
    return _reduced(body), _reduced(detail)


def _reduced(mask: Image.Image) -> FloatImage:
    return (np.asarray(mask.reduce(_SUPERSAMPLE)) / 255).astype(np.float32)


def varied(name: str, rng: np.random.Generator) -> FloatImage:
    """The named colour, a little lighter or darker and a little off in hue."""
    base = np.array(COLORS[name]) / 255
    varied = base * rng.uniform(0.92, 1.06) + rng.uniform(-0.025, 0.025, 3)
    return np.asarray(varied.clip(0, 1), dtype=np.float32)


def _second_tone(color: FloatImage) -> FloatImage:
    """The tone of stripes, dots and checks: clearly lighter than the colour, or darker if the colour is light."""
    if color.mean() > 0.62:
        return np.asarray(color * 0.55, dtype=np.float32)
    return np.asarray(color + (1 - color) * 0.6, dtype=np.float32)


def _pattern(texture: str, rng: np.random.Generator) -> FloatImage:
    """Share of the second tone in each pixel, in [0, 1], (128, 128)."""
    if texture == "plain":
        return np.zeros((SIZE, SIZE), dtype=np.float32)
    period = rng.uniform(11, 16)
    angle = rng.uniform(0, math.pi)
    offset = rng.uniform(0, period, size=2)
    ys, xs = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    u = (xs * math.cos(angle) + ys * math.sin(angle) + offset[0]) / period
    if texture == "striped":
        return _soft(np.sin(2 * math.pi * u), period)
    v = (-xs * math.sin(angle) + ys * math.cos(angle) + offset[1]) / period
    if texture == "checkered":
        return _soft(np.sin(math.pi * u) * np.sin(math.pi * v) * 2, period)
    distance = np.hypot(u - np.round(u), v - np.round(v))
    return np.asarray(((0.3 - distance) * period + 0.5).clip(0, 1), dtype=np.float32)


def _soft(wave: NDArray[np.float32], period: float) -> FloatImage:
    return np.asarray((wave * period / (2 * math.pi) + 0.5).clip(0, 1), dtype=np.float32)


def draw_backdrop(name: str, rng: np.random.Generator) -> FloatImage:
    """A flat background of the named colour with a faint, slanted shade."""
    color = varied(name, rng)
    slope = rng.uniform(-0.06, 0.06, size=2)
    ramp = np.linspace(-1, 1, SIZE, dtype=np.float32)
    shade = 1 + slope[0] * ramp[:, None] + slope[1] * ramp[None, :]
    return np.asarray(shade[..., None] * color, dtype=np.float32)
