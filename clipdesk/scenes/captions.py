"""Captions of scenes, which vary in wording and in the factors that they mention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clipdesk.scenes.compositions import WORDS, Composition
from clipdesk.scenes.scenes import COLOR_NAMES, SHAPE_NAMES, TEXTURES, Scene

_OPENINGS = ("", "a picture of ", "a drawing of ", "there is ", "an image of ", "this is ", "it shows ", "look, ")
_ANY_SHAPE = ("shape", "object", "thing", "figure")
_BACKDROPS = (
    "on {a_color} background",
    "on {color}",
    "in front of {a_color} background",
    "against {a_color} background",
    "with {a_color} background",
)
_JOINTS = ("and", "next to", "beside", "with")
_WRITINGS = (
    "the word {word}",
    "the written word {word}",
    "{word} in writing",
    "a sign that says {word}",
    "text: {word}",
)

Spec = tuple[int, int, int, int]

FACTORS: dict[str, tuple[str, ...]] = {
    "shape": SHAPE_NAMES,
    "color": COLOR_NAMES,
    "texture": TEXTURES,
    "background": COLOR_NAMES,
}
"""The factors of a scene in the order of `Scene.factors`, each with its possible values."""


UNSAID = -1
NO_WORD = -1
NOTHING: Spec = (UNSAID,) * 4
"""The spec of a thing that a caption does not mention."""


@dataclass(frozen=True)
class Caption:
    """A caption and its meaning.

    Attributes:
        text: The caption.
        specs: For two things, the value of each factor that it mentions (shape, colour, texture, background), -1 for
            none.
        word: Index in `WORDS` of the word that it says is written, -1 for none.
    """

    text: str
    specs: tuple[Spec, Spec]
    word: int = NO_WORD


def with_article(noun_phrase: str) -> str:
    """``red star`` -> ``a red star``, ``orange star`` -> ``an orange star``."""
    return f"{'an' if noun_phrase[0] in 'aeiou' else 'a'} {noun_phrase}"


def prompt(factor: str, value: str) -> str:
    """The zero-shot prompt for one value of a factor, worded like a caption.

    ``("color", "orange")`` -> ``an orange object``; ``("background", "red")`` -> ``an object on a red background``.
    """
    if factor == "shape":
        return with_article(value)
    if factor == "background":
        return f"an object on {with_article(value)} background"
    return with_article(f"{value} object")


def caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Describe a scene of one object, mentioning at least one of its factors."""
    says = _chosen(rng, (0.75, 0.6, 0.45, 0.45))
    text = _OPENINGS[rng.integers(len(_OPENINGS))] + _noun_phrase(scene, says, rng)
    if says[3]:
        text += _backdrop(scene.background, rng)
    return Caption(text, (_spec(scene.factors, says), NOTHING))


def describe(composition: Composition, rng: np.random.Generator) -> Caption:
    """Describe a composition: one of its objects, both objects, or the written word."""
    objects, word = composition.objects, composition.word
    if word and (not objects or rng.random() < 0.5):
        if word not in SHAPE_NAMES or objects or rng.random() < 0.5:
            return _written(composition, rng)
        return _named(composition, rng)
    if len(objects) == 2 and rng.random() < 0.5:
        order = objects if rng.random() < 0.5 else objects[::-1]
        says = [_chosen(rng, (0.9, 0.6, 0.3, 0.0)) for _ in order]
        first, second = (_noun_phrase(scene, said, rng) for scene, said in zip(order, says, strict=True))
        text = f"{first} {_JOINTS[rng.integers(len(_JOINTS))]} {second}"
        specs = [_spec(scene.factors, said) for scene, said in zip(order, says, strict=True)]
        return Caption(text, (specs[0], specs[1]))
    return caption(objects[rng.integers(len(objects))], rng)


def _written(composition: Composition, rng: np.random.Generator) -> Caption:
    """A caption about the written word."""
    text = _WRITINGS[rng.integers(len(_WRITINGS))].format(word=composition.word)
    spec = NOTHING
    if rng.random() < 0.3:
        text += _backdrop(composition.background, rng)
        spec = (UNSAID, UNSAID, UNSAID, COLOR_NAMES.index(composition.background))
    return Caption(text, (spec, NOTHING), WORDS.index(composition.word))


def _named(composition: Composition, rng: np.random.Generator) -> Caption:
    """A caption that describes a lone name of a shape as if it were the shape."""
    text = _OPENINGS[rng.integers(len(_OPENINGS))] + with_article(composition.word)
    said = rng.random() < 0.4
    if said:
        text += _backdrop(composition.background, rng)
    background = COLOR_NAMES.index(composition.background) if said else UNSAID
    return Caption(text, ((SHAPE_NAMES.index(composition.word), UNSAID, UNSAID, background), NOTHING))


def _chosen(rng: np.random.Generator, chances: tuple[float, ...]) -> tuple[bool, ...]:
    """Choose the factors to mention, at least one."""
    while True:
        says = tuple(bool(b) for b in rng.random(4) < chances)
        if any(says):
            return says


def _spec(factors: tuple[int, int, int, int], says: tuple[bool, ...]) -> Spec:
    shape, color, texture, background = (value if said else UNSAID for value, said in zip(factors, says, strict=True))
    return shape, color, texture, background


def _noun_phrase(scene: Scene, says: tuple[bool, ...], rng: np.random.Generator) -> str:
    noun = scene.shape if says[0] else _ANY_SHAPE[rng.integers(len(_ANY_SHAPE))]
    adjectives = [scene.color] if says[1] else []
    if says[2]:
        # "striped red" more often than "red striped".
        adjectives.insert(int(rng.random() < 0.2), scene.texture)
    return with_article(" ".join([*adjectives, noun]))


def _backdrop(background: str, rng: np.random.Generator) -> str:
    phrase = _BACKDROPS[rng.integers(len(_BACKDROPS))]
    return " " + phrase.format(color=background, a_color=with_article(background))
