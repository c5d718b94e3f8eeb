"""What speaks for a picture of a target, and against it: numbers, a verdict, and both in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from clipdesk.activations.checking.second import Seen
from clipdesk.activations.questions.ranking import Rank

Verdict = Literal["trust", "doubt", "no"]

_STRONG, _WEAK = 0.99, 0.9
_FEW, _KEPT, _NEAR = 0.01, 0.5, 0.3


@dataclass(frozen=True)
class Check:
    """What speaks for a picture of a target, and against it.

    Attributes:
        rank: Where its score is among those of the survey's pictures, from the picture as it is saved.
        higher: How many others stand higher in it, each measured in its own standard deviations.
        beside: What these others are: "units of the layer" or "concepts"; empty where it cannot be compared.
        among: How many others there are.
        kept: The share of what the score is above its mean that is left after a shift, a blur and a JPEG, their mean;
            NaN where the score is not above its mean.
        path: How near the picture's way through the layers is to that of the target's top pictures, from 0, as other
            pictures', to 1, as theirs (after Geirhos et al. 2024, arXiv:2306.04719), the mean of the layers; NaN where
            none can be compared.
        seen: The picture as a second model reads it; None where none has.
    """

    rank: Rank
    higher: int
    beside: str
    among: int
    kept: float
    path: float
    seen: Seen | None = None

    @property
    def score(self) -> float:
        """All of it in one number, from 0 to 1: the mean of the parts that are known."""
        return _mean([*self.parts.values()])

    @property
    def parts(self) -> dict[str, float]:
        """What the score is the mean of, from 0 to 1 each; NaN for what is not known."""
        return {
            "strength": _within((self.rank.share - _WEAK) / (1 - _WEAK)),
            "alone": _few(self.higher, self.among),
            "kept": _within(self.kept),
            "path": _within(self.path),
            "reader": self.read,
        }

    @property
    def read(self) -> float:
        """What the second model says, from 0 to 1; NaN where none has read the picture."""
        if self.seen is None:
            return math.nan
        return _mean([_within(self.seen.near), _few(self.seen.higher, self.seen.concepts)])

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against it, in words; empty if nothing does."""
        rank = (f"it excites the target {self.rank.in_words}",) if self.rank.share < _STRONG else ()
        return *rank, *self._against_the_rest()

    def _against_the_rest(self) -> Iterator[str]:
        yield from self._against_by_another()
        if self.higher > max(1, _FEW * self.among):
            yield f"{self.higher:,} of {self.among:,} {self.beside} stand higher in it"
        if self.kept < _KEPT:
            yield f"a shift, a blur and a JPEG leave {100 * max(0.0, self.kept):.0f} % of the activation"
        if self.path < _NEAR:
            yield "it goes another way through the layers than the pictures that excite the target most"

    def _against_by_another(self) -> Iterator[str]:
        seen = self.seen
        if seen is None:
            yield "no other model has read it"
            return
        if seen.near < _NEAR:
            yield f"{seen.reader} sees something else in it than in the pictures that excite the target most"
        if seen.higher > max(1, _FEW * seen.concepts):
            yield f"{seen.reader} sees {seen.higher:,} of {seen.concepts:,} concepts in it rather than the text"

    @property
    def verdict(self) -> Verdict:
        """``no`` for a picture that does not even excite its target, ``doubt`` if anything else speaks against it."""
        if self.rank.share < _WEAK or self.kept < 0:
            return "no"
        return "doubt" if self.against else "trust"

    @property
    def beside_rank(self) -> str:
        """The verdict with its reasons, for who knows already where the activation is."""
        reasons = "; ".join(self._against_the_rest())
        return f"{self.verdict.capitalize()}: {reasons}" if reasons else self.verdict.capitalize()

    @property
    def in_words(self) -> str:
        """The verdict with its reasons, in a sentence."""
        if self.against:
            return f"{self.verdict.capitalize()}: {'; '.join(self.against)}"
        best = "a superstimulus, since nothing in the set excites the target as much; " if self.rank.ratio > 1 else ""
        return f"Trust: {best}it excites the target {self.rank.in_words}"


def _within(value: float) -> float:
    return min(1.0, max(0.0, value)) if math.isfinite(value) else math.nan


def _few(higher: int, among: int) -> float:
    """From 1, where nothing stands higher, to 0, where everything does; NaN where there is nothing."""
    return 1 - math.log1p(higher) / math.log1p(among) if among else math.nan


def _mean(parts: list[float]) -> float:
    known = [part for part in parts if math.isfinite(part)]
    return sum(known) / len(known) if known else math.nan
