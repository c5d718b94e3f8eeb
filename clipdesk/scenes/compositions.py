"""Pictures of more than one thing: two objects, or a written name, alone or beside an object.

Multimodal neurons respond to written names as they do to the thing itself (Goh et al. 2021, Distill).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from clipdesk.scenes.scenes import (
    COLOR_NAMES,
    SHAPE_NAMES,
    SIZE,
    FloatImage,
    Scene,
    as_picture,
    draw_backdrop,
    draw_scene,
    is_held_out,
    object_painter,
    sample_scene,
    varied,
)

WORDS: tuple[str, ...] = (*SHAPE_NAMES, *COLOR_NAMES)
"""The names that can be written."""

FACES = ("regular", "bold", "outlined", "slanted", "pixels")
"""Styles of writing, all in fonts that come with Pillow."""

_TWO_OBJECTS, _WRITTEN, _SHAPES = 0.25, 0.12, 0.8
_SUPERSAMPLE = 3


@dataclass(frozen=True)
class Composition:
    """The contents of a picture.

    Attributes:
        objects: Up to two objects, on the same background.
        background: Colour of the background.
        word: One of `WORDS`; empty if the picture has no writing.
        ink: Colour of the writing; empty if the picture has none.
    """

    objects: tuple[Scene, ...]
    background: str
    word: str = ""
    ink: str = ""

    @property
    def things(self) -> NDArray[np.int64]:
        """Factors as in `Scene.factors`, -1 for none, (3, 4): two objects, and the thing that a word names.

        A lone name of a shape counts as that shape in the colour of its ink, and a lone name of a colour as a thing
        without a shape. Beside an object, names do not count.
        """
        table = np.full((3, 4), -1, dtype=np.int64)
        for i, scene in enumerate(self.objects):
            table[i] = scene.factors
        if self.word and not self.objects:
            shape = SHAPE_NAMES.index(self.word) if self.word in SHAPE_NAMES else -1
            table[2] = shape, COLOR_NAMES.index(self.ink), -1, COLOR_NAMES.index(self.background)
        return table


def sample_composition(rng: np.random.Generator) -> Composition:
    """Sample the contents of a training picture: mostly one object, of a pair that is not held out."""
    first = sample_scene(rng, held_out=False)
    kind = rng.random()
    if kind < _TWO_OBJECTS:
        while True:
            second = sample_scene(rng, held_out=False)
            if second.color != first.background and second.factors[:3] != first.factors[:3]:
                break
        second = Scene(second.shape, second.color, second.texture, first.background)
        return Composition((first, second), first.background)
    if kind < _TWO_OBJECTS + _WRITTEN:
        word = WORDS[rng.integers(len(WORDS))]
        ink = _ink(word, first.background, rng)
        alone = rng.random() < 0.6
        return Composition(() if alone else (first,), first.background, word, ink)
    return Composition((first,), first.background)


def sample_name(rng: np.random.Generator) -> Composition:
    """Sample a lone name, mostly of a shape, since shapes are harder to tell apart."""
    word = WORDS[rng.integers(len(SHAPE_NAMES) if rng.random() < _SHAPES else len(WORDS))]
    background = COLOR_NAMES[rng.integers(len(COLOR_NAMES))]
    return Composition((), background, word, _ink(word, background, rng))


def _ink(word: str, background: str, rng: np.random.Generator) -> str:
    inks = [name for name in COLOR_NAMES if name != background and not _kept_out(word, name)]
    return inks[rng.integers(len(inks))]


def _kept_out(word: str, ink: str) -> bool:
    """True if a word in this ink would show a held-out pair of shape and colour."""
    return word in SHAPE_NAMES and is_held_out(word, ink)


def draw_composition(
    composition: Composition, rng: np.random.Generator, *, face: str | None = None
) -> NDArray[np.uint8]:
    """Draw a composition, as `draw_scene` draws a scene; RGB, uint8, (128, 128, 3).

    Args:
        composition: Contents of the picture.
        rng: Generator for places, sizes, turns and small variations.
        face: One of `FACES`; by default a random one.
    """
    objects, word = composition.objects, composition.word
    if len(objects) == 1 and not word:
        return draw_scene(objects[0], rng)
    picture = draw_backdrop(composition.background, rng)
    if not objects:
        return as_picture(_write(picture, composition, rng, face, top=0, height=SIZE))
    if word:
        # The object takes three fifths of the picture, and the word the rest, above or below.
        above = rng.random() < 0.5
        middle = 0.68 if above else 0.32
        center = np.array([rng.uniform(0.35, 0.65), middle]) * SIZE
        picture = object_painter(objects[0], rng, center, rng.uniform(24, 34))(picture)
        return as_picture(_write(picture, composition, rng, face, top=0 if above else 88, height=40))
    angle = rng.uniform(0, 2 * math.pi)
    apart = np.array([math.cos(angle), math.sin(angle)]) * rng.uniform(30, 36)
    for sign, scene in zip((1, -1), objects, strict=True):
        center = SIZE / 2 + sign * apart + rng.uniform(-4, 4, size=2)
        picture = object_painter(scene, rng, center, rng.uniform(22, 29))(picture)
    return as_picture(picture)


def _write(
    picture: FloatImage,
    composition: Composition,
    rng: np.random.Generator,
    face: str | None,
    *,
    top: int,
    height: int,
) -> FloatImage:
    """Write the word into a band of the picture."""
    mask = _lettering(composition.word, face or FACES[rng.integers(len(FACES))], rng)
    mask = mask.rotate(rng.uniform(-9, 9), Image.Resampling.BICUBIC, expand=True)
    room = np.array([SIZE * 0.94, height * 0.9])
    scale = rng.uniform(0.72, 1.0) * float((room / mask.size).min())
    size = [max(1, round(side * scale)) for side in mask.size]
    small = mask.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    left = round(rng.uniform(0.02 * SIZE, max(0.02 * SIZE, SIZE * 0.98 - size[0])))
    upper = top + round(rng.uniform(0, max(0, height - size[1])))
    cover = Image.new("L", (SIZE, SIZE), 0)
    cover.paste(small, (left, upper))
    ink = varied(composition.ink, rng)
    strength = (np.asarray(cover, dtype=np.float32) / 255)[..., None]
    return np.asarray(picture + strength * (ink - picture), dtype=np.float32)


def _lettering(word: str, face: str, rng: np.random.Generator) -> Image.Image:
    """A word in white on black with narrow margins, larger than in the picture."""
    text = word if rng.random() < 0.6 else word.upper() if rng.random() < 0.6 else word.capitalize()
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    font = ImageFont.load_default_imagefont() if face == "pixels" else ImageFont.load_default(24 * _SUPERSAMPLE)
    stroke = {"bold": 3, "outlined": 3}.get(face, 1 if face != "pixels" else 0)
    left, top, right, bottom = font.getbbox(text) if face == "pixels" else _bbox(font, text, stroke)
    sheet = Image.new("L", (math.ceil(right - left) + 8, math.ceil(bottom - top) + 8), 0)
    pen, place = ImageDraw.Draw(sheet), (4 - left, 4 - top)
    if face == "outlined":
        pen.text(place, text, fill=0, font=font, stroke_width=stroke, stroke_fill=255)
    else:
        pen.text(place, text, fill=255, font=font, stroke_width=stroke, stroke_fill=255)
    if face == "pixels":
        return sheet.resize((sheet.width * 6, sheet.height * 6), Image.Resampling.NEAREST)
    if face == "slanted":
        lean = 0.3 * sheet.height
        wide = (sheet.width + math.ceil(lean), sheet.height)
        sheet = sheet.transform(wide, Image.Transform.AFFINE, (1, 0.3, -lean, 0, 1, 0), Image.Resampling.BICUBIC)
    return sheet


def _bbox(
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont, text: str, stroke: int
) -> tuple[float, float, float, float]:
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font.getbbox(text, stroke_width=stroke)
