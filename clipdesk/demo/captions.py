"""What is said about a scene: captions that vary in wording and in what they mention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clipdesk.demo.scenes import COLOR_NAMES, SHAPE_NAMES, TEXTURES, Scene

_OPENINGS = ("", "a picture of ", "a drawing of ", "there is ", "an image of ", "this is ")
_ANY_SHAPE = ("shape", "object", "thing", "figure")
_BACKDROPS = (
    "on {a_color} background",
    "on {color}",
    "in front of {a_color} background",
    "against {a_color} background",
)

FACTORS: dict[str, tuple[str, ...]] = {
    "shape": SHAPE_NAMES,
    "color": COLOR_NAMES,
    "texture": TEXTURES,
    "background": COLOR_NAMES,
}
"""The factors of a scene in the order of `Scene.factors`, each with the words it takes."""


@dataclass(frozen=True)
class Caption:
    """A caption and which factors of the scene it mentions (shape, colour, texture, background)."""

    text: str
    mentions: tuple[bool, bool, bool, bool]


def with_article(noun_phrase: str) -> str:
    """``red star`` -> ``a red star``, ``orange star`` -> ``an orange star``."""
    return f"{'an' if noun_phrase[0] in 'aeiou' else 'a'} {noun_phrase}"


def prompt(factor: str, value: str) -> str:
    """The zero-shot prompt for one value of a factor, worded as captions are.

    ``("color", "orange")`` -> ``an orange object``; ``("background", "red")`` -> ``an object on a red background``.
    """
    if factor == "shape":
        return with_article(value)
    if factor == "background":
        return f"an object on {with_article(value)} background"
    return with_article(f"{value} object")


def caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """Describe a scene, mentioning at least one of its factors."""
    while True:
        mentions = tuple(bool(b) for b in rng.random(4) < (0.75, 0.6, 0.45, 0.45))
        if any(mentions):
            break
    says_shape, says_color, says_texture, says_background = mentions
    noun = scene.shape if says_shape else _ANY_SHAPE[rng.integers(len(_ANY_SHAPE))]
    adjectives = [scene.texture] if says_texture else []
    adjectives += [scene.color] if says_color else []
    text = _OPENINGS[rng.integers(len(_OPENINGS))] + with_article(" ".join([*adjectives, noun]))
    if says_background:
        backdrop = _BACKDROPS[rng.integers(len(_BACKDROPS))]
        text += " " + backdrop.format(color=scene.background, a_color=with_article(scene.background))
    return Caption(text, (says_shape, says_color, says_texture, says_background))
