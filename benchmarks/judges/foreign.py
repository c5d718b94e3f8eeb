"""Scenes that another hand draws, for a judge that knows nothing of how the models' scenes look.

Only the names of shapes, colours and textures are those of `clipdesk.scenes`. The rest is its own: outlines, sizes,
colours (ranges of hue, not one tone each), patterns that turn with the thing, edges with a line or a wobble, light from
a side, shadows, grounds with grain and clouds.
"""

from __future__ import annotations

import colorsys
import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.judges.networks import SIDE
from benchmarks.judges.outlines import OUTLINES, TURNS, Field, Outline
from benchmarks.judges.training import Lessons
from clipdesk.scenes.captions import FACTORS

FOREIGN_SEED, FOREIGN_TEST_SEED, FOREIGN_MORE_SEED = 303, 304, 305

_TONES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "red": ((350, 368), (0.75, 0.95), (0.68, 0.95)),
    "green": ((105, 150), (0.5, 0.85), (0.4, 0.75)),
    "blue": ((216, 240), (0.65, 0.95), (0.55, 0.95)),
    "yellow": ((49, 58), (0.7, 0.95), (0.88, 1.0)),
    "orange": ((22, 34), (0.8, 1.0), (0.88, 1.0)),
    "purple": ((272, 295), (0.5, 0.85), (0.4, 0.7)),
    "pink": ((325, 345), (0.3, 0.55), (0.9, 1.0)),
    "brown": ((18, 32), (0.55, 0.8), (0.28, 0.5)),
    "black": ((0, 360), (0.0, 0.2), (0.0, 0.12)),
    "white": ((0, 360), (0.0, 0.03), (0.93, 1.0)),
    "gray": ((0, 360), (0.0, 0.05), (0.4, 0.6)),
    "cyan": ((178, 192), (0.5, 0.8), (0.75, 0.95)),
}
"""Hue in degrees, saturation and value of each colour."""
_REPEATED_SHARE = 0.25
"""Share of the scenes that show their thing two or three times."""

Picture = NDArray[np.float32]


def draw_foreign(count: int, seed: int) -> Lessons:
    """Draw scenes of one thing on a ground of another colour.

    Args:
        count: Number of scenes.
        seed: Seed of the set.
    """
    rng = np.random.default_rng(seed)
    images = np.empty((count, 3, SIDE, SIDE), dtype=np.uint8)
    factors = np.stack([rng.integers(len(values), size=count) for values in FACTORS.values()], axis=1)
    colors = len(FACTORS["color"])
    # The ground has another colour than the thing.
    factors[:, 3] = (factors[:, 1] + rng.integers(1, colors, size=count)) % colors
    for i, numbers in enumerate(factors):
        names = [values[n] for values, n in zip(FACTORS.values(), numbers, strict=True)]
        picture = _draw(names[0], names[1], names[2], names[3], rng)
        images[i] = (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1)
    return Lessons(images, factors)


def _draw(shape: str, color: str, texture: str, ground: str, rng: np.random.Generator) -> Picture:
    picture = _ground(_tone(ground, rng), rng)
    tone = _tone(color, rng)
    for x, y, radius in _places(rng):
        picture = _painted(picture, shape, tone, texture, (x, y, radius), rng)
    grain = rng.choice([0.0, 0.0, 0.02, 0.05])
    return np.asarray(picture + grain * rng.standard_normal(picture.shape), dtype=np.float32)


def _places(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Column, row and radius of each copy, in pixels."""
    if rng.random() >= _REPEATED_SHARE:
        radius = rng.uniform(12, 29)
        margin = min(0.9 * radius, SIDE / 2)
        x, y = rng.uniform(margin, SIDE - margin, size=2)
        return [(x, y, radius)]
    count, first = int(rng.integers(2, 4)), rng.uniform(0, 2 * math.pi)
    angles = [first + 2 * math.pi * i / count for i in range(count)]
    away = rng.uniform(14, 22)
    return [(SIDE / 2 + away * math.cos(a), SIDE / 2 + away * math.sin(a), rng.uniform(10, 15)) for a in angles]


def _painted(
    picture: Picture,
    shape: str,
    tone: Picture,
    texture: str,
    place: tuple[float, float, float],
    rng: np.random.Generator,
) -> Picture:
    """Paint one copy of the thing over a picture."""
    column, row, radius = place
    limit = TURNS.get(shape, 180)
    turn = math.radians(rng.uniform(-limit, limit))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) + np.float32(0.5)
    u, v = (columns - column) / radius, (rows - row) / radius
    x = np.asarray(u * math.cos(turn) + v * math.sin(turn), dtype=np.float32) * rng.choice([-1.0, 1.0])
    y = np.asarray(v * math.cos(turn) - u * math.sin(turn), dtype=np.float32)
    if rng.random() < 0.5:
        x, y = _wobbled(x, y, rng)
    x, y = np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)
    outline = OUTLINES[shape](x, y, rng)
    if rng.random() < 0.3:
        step = int(rng.integers(1, 4))
        shadow = np.roll(_cover(outline.body, radius / 2), (step, step), axis=(0, 1))
        picture = picture * (1 - 0.5 * shadow[..., None])
    scale = np.float32(radius)
    surface = _lit(_surface(tone, texture, x * scale, y * scale, rng), outline.body, rng)
    return _layered(picture, surface, outline, radius, tone, rng)


def _layered(
    picture: Picture, surface: Picture, outline: Outline, radius: float, tone: Picture, rng: np.random.Generator
) -> Picture:
    """Lay the surface and the details on it over a picture, often with a line around them."""
    contrast = np.float32(rng.uniform(0.0, 0.15) if tone.mean() > 0.35 else rng.uniform(0.85, 1.0))
    body = _cover(outline.body, radius)
    picture = picture + body[..., None] * (surface - picture)
    for detail in outline.dark:
        picture = picture + (_cover(detail, radius) * body)[..., None] * (contrast - picture)
    if rng.random() < 0.4:
        wide = rng.uniform(0.4, 1.1) / radius
        line = _cover(np.abs(outline.body) - np.float32(wide), radius)
        picture = picture + line[..., None] * (contrast - picture)
    return np.asarray(picture, dtype=np.float32)


def _cover(values: Field, radius: float) -> Field:
    """Share of each pixel inside a field whose unit is so many pixels."""
    return np.asarray((0.5 - values * radius).clip(0, 1), dtype=np.float32)


def _wobbled(x: Field, y: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    """Bend the plane a little, as a hand does."""
    size, (a, b), (c, d) = rng.uniform(0.01, 0.06), rng.uniform(2, 6, 2), rng.uniform(0, 6, 2)
    return x + np.float32(size) * np.sin(a * y + c), y + np.float32(size) * np.sin(b * x + d)


def _tone(name: str, rng: np.random.Generator) -> Picture:
    hue, saturation, value = (rng.uniform(low, high) for low, high in _TONES[name])
    return np.array(colorsys.hsv_to_rgb(hue / 360 % 1, saturation, value), dtype=np.float32)


def _surface(tone: Picture, texture: str, x: Field, y: Field, rng: np.random.Generator) -> Picture:
    """The tone, with a second one in the pattern's marks; x and y are in pixels and turn with the thing."""
    marks = _marks(texture, x, y, rng)[..., None]
    light = tone.mean() > 0.6
    other = tone * rng.uniform(0.35, 0.6) if light else tone + (1 - tone) * rng.uniform(0.45, 0.75)
    return np.asarray(tone + marks * (other - tone), dtype=np.float32)


def _marks(texture: str, x: Field, y: Field, rng: np.random.Generator) -> Field:
    if texture == "plain":
        return np.zeros_like(x)
    period, angle, (first, second) = rng.uniform(5.5, 10), rng.uniform(0, math.pi), rng.uniform(0, 1, 2)
    u = (x * math.cos(angle) + y * math.sin(angle)) / period + first
    v = (y * math.cos(angle) - x * math.sin(angle)) / period + second
    if texture == "striped":
        waved = u + rng.choice([0.0, 0.12]) * np.sin(2 * math.pi * v / 2.5)
        inside = rng.uniform(0.2, 0.3) - np.abs(waved - np.round(waved))
    elif texture == "checkered":
        # The distance to the nearest edge with the sign of the square's colour.
        u, v = 1.2 * u, 1.2 * v * rng.uniform(0.8, 1.2)
        edge = np.minimum(np.abs(u - np.round(u)), np.abs(v - np.round(v))) / 1.2
        inside = edge * np.where((np.floor(u) + np.floor(v)) % 2 == 0, 1, -1)
    else:
        if rng.random() < 0.5:
            u = u + 0.5 * (np.round(v) % 2)
        inside = rng.uniform(0.24, 0.36) - np.hypot(u - np.round(u), v - np.round(v))
    return np.asarray((inside * period + 0.5).clip(0, 1), dtype=np.float32)


def _lit(surface: Picture, body: Field, rng: np.random.Generator) -> Picture:
    """Light from a side on a rounded edge, in some of the scenes."""
    if rng.random() < 0.6:
        return surface
    height = np.sqrt((-body).clip(0, 0.4))
    down, across = np.gradient(height)
    angle, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.5)
    light = strength * (across * math.cos(angle) + down * math.sin(angle))
    return np.asarray(surface * (1 + light.clip(-0.35, 0.35))[..., None], dtype=np.float32)


def _ground(tone: Picture, rng: np.random.Generator) -> Picture:
    """A ground that is flat, shaded from the middle or a side, or cloudy."""
    axis = np.linspace(-1, 1, SIDE, dtype=np.float32)
    kind = rng.random()
    if kind < 0.35:
        shade = np.full((SIDE, SIDE), 1, dtype=np.float32)
    elif kind < 0.6:
        shade = 1 - np.float32(rng.uniform(0, 0.2)) * (axis[:, None] ** 2 + axis[None] ** 2)
    elif kind < 0.8:
        a, b = rng.uniform(-0.15, 0.15, 2)
        shade = 1 + np.float32(a) * axis[:, None] + np.float32(b) * axis[None]
    else:
        waves = [
            np.sin(rng.uniform(2, 9) * axis[:, None] + rng.uniform(-9, 9) * axis[None] + rng.uniform(0, 6))
            for _ in range(4)
        ]
        shade = 1 + np.float32(rng.uniform(0.01, 0.04)) * sum(waves, np.zeros((SIDE, SIDE), dtype=np.float32))
    return np.asarray(shade[..., None] * tone, dtype=np.float32)
