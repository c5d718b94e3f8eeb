"""Concepts with their text embeddings: what units are compared with. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.errors import UsageError

TEMPLATES: tuple[str, ...] = ("{}", "a photo of a {}", "a photo of a {} object", "a photo on a {} background")
"""Texts that a concept is put into. The same word may name a thing, a property or a surrounding, and the text tower
puts these at different places; for each unit the reading that fits best counts."""

_ARTICLE = re.compile(r"^(an?|the)\s+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Concepts with their text embeddings.

    Attributes:
        concepts: The concepts.
        texts: Embeddings of each concept in each template, of length 1, float32, (templates, concepts, width).
        reader: The model whose text tower read them.
    """

    concepts: tuple[str, ...]
    texts: NDArray[np.float32]
    reader: str

    @property
    def means(self) -> NDArray[np.float32]:
        """One embedding for each concept: the mean over the templates, of length 1, (concepts, width)."""
        mean = self.texts.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), dtype=np.float32)

    def index(self, concept: str) -> int | None:
        """The place of a concept; an article before it and its case do not matter."""
        wanted = bare(concept).casefold()
        return next((place for place, own in enumerate(self.concepts) if own.casefold() == wanted), None)

    def having(self, other: Vocabulary) -> Vocabulary:
        """This vocabulary, and before it what another one, of the same reader and templates, has and this has not."""
        new = [place for place, concept in enumerate(other.concepts) if self.index(concept) is None]
        return Vocabulary(
            (*(other.concepts[place] for place in new), *self.concepts),
            np.concatenate([other.texts[:, new], self.texts], axis=1),
            self.reader,
        )


def bare(concept: str) -> str:
    """A concept without the article before it."""
    return _ARTICLE.sub("", concept.strip()) or concept.strip()


def filled(template: str, concept: str) -> str:
    """A template with a concept in it; "a {}" becomes "an {}" before a vowel.

    Raises:
        UsageError: the template has no place for a concept.
    """
    if "{}" not in template:
        raise UsageError(f"The template '{template}' has no {{}} for the concept")
    noun = bare(concept)
    if noun[:1].lower() in tuple("aeiou"):
        template = re.sub(r"\b([Aa]) \{\}", r"\1n {}", template)
    return template.replace("{}", noun)


def texts_of(concepts: Sequence[str], templates: Sequence[str] = TEMPLATES) -> list[str]:
    """The texts to embed, template by template: all concepts in the first one, then in the next."""
    return [filled(template, concept) for template in templates for concept in concepts]
