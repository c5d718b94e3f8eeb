"""What a check uses unless it is said, and how it speaks of what renders have shown. Imports no torch."""

from __future__ import annotations

import math

from clipdesk.models.catalogue import CATALOGUE, CONCEPTS, file_of
from clipdesk.models.names import ModelName, Named, plain_name

SEEDS = 3
"""Pictures that a thorough check renders anew, on the network and on one with shuffled weights."""
ALIKE = 0.3
"""Mean cosine from which on pictures of other seeds show the same."""
APART = 0.1
"""Pictures of weights that have learnt nothing are to be less like the picture than other seeds' by so much."""
WRITTEN = 99.0
"""Percentile from which on a target answers to the written word."""
_RESNETS = tuple(name for name in CATALOGUE if name.startswith("RN"))
_TRANSFORMERS = tuple(name for name in CATALOGUE if name.startswith("ViT-"))
"""OpenAI's models, each group from the one that is the quickest to read with."""


def usual_reader(name: ModelName | None) -> ModelName | None:
    """The model that reads the pictures of another one at no cost: of an embedded one that with the same concepts."""
    own = "" if name is None else str(plain_name(name))
    alike = (each for each, listed in CONCEPTS.items() if each != own and listed == CONCEPTS.get(own))
    reader = next(alike, None)
    return None if reader is None else Named(reader)


def thorough_reader(name: ModelName | None) -> ModelName | None:
    """The model that reads pictures in a thorough check unless it is said.

    Beside `usual_reader`, of OpenAI's models it is another one of these whose file is on this disk, with the other
    architecture if there is one: what two of a kind share would pass for what the picture shows.
    """
    own = None if name is None else plain_name(name)
    if not isinstance(own, Named) or own.name not in (*_RESNETS, *_TRANSFORMERS):
        return usual_reader(name)
    order = (*_TRANSFORMERS, *_RESNETS) if own.name in _RESNETS else (*_RESNETS, *_TRANSFORMERS)
    found = next((each for each in order if each != own.name and file_of(each).exists()), None)
    return None if found is None else Named(found)


def thorough_in_words(agreement: float, control: float, word: str, written: float | None) -> str:
    """What a thorough check has found, for and against a picture, in a sentence.

    Args:
        agreement: Mean cosine of the pictures of all seeds.
        control: Mean cosine of the picture with those of shuffled weights; NaN where these cannot be rendered.
        word: The word that was written.
        written: Where its picture's activation is among the survey's, in percent; None without a word.
    """
    same = "the same" if agreement >= ALIKE else "something else"
    parts = [f"other seeds show {same} (cosine {agreement:.2f})"]
    if math.isfinite(control):
        are = "are as like it" if control > agreement - APART else "are not like it"
        parts.append(f"pictures of shuffled weights {are} ({control:.2f})")
    if written is not None:
        excites = "excites its target, too" if written >= WRITTEN else "does not excite its target"
        parts.append(f'the written word "{word}" {excites} (percentile {written:.0f})')
    return f"Checked thoroughly: {', and '.join([', '.join(parts[:-1]), parts[-1]]) if parts[1:] else parts[0]}"
