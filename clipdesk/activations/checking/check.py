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
_TRUSTED, _DOUBTED = 2 / 3, 1 / 3
"""Scores from which on a picture is trusted, and is doubted rather than not believed."""
_TOPS = "the pictures that excite the target most"
_UNREAD = "no other model has read it"


@dataclass(frozen=True)
class Check:
    """What speaks for a picture of a target, and against it.

    Attributes:
        rank: Where its score is among those of the survey's pictures, from the picture as it is saved.
        higher: How many others stand higher in it, each measured in its own standard deviations.
        beside: What these others are: "units of the layer" or "concepts"; empty where it cannot be compared.
        among: How many others there are.
        kept: The share of what its activation is above the mean that is left after a shift, a blur and a JPEG, their
            mean; NaN where it is not above the mean.
        near: How near the picture is to the target's top pictures in the model's own embedding, from 0, as other
            pictures, to 1, as these are to each other; NaN where it is not known.
        path: Likewise in the layers up to the target's, the mean over these (after Geirhos et al. 2024,
            arXiv:2306.04719).
        seen: The picture as a second model reads it; None where none has.
    """

    rank: Rank
    higher: int
    beside: str
    among: int
    kept: float
    near: float
    path: float
    seen: Seen | None = None

    @property
    def score(self) -> float:
        """How near it is to the pictures that excite the target most, from 0 to 1; NaN where that is not known.

        The mean of both models' nearness. Nothing is fitted: weights that were fitted on one model tell the right
        pictures of another one from the wrong ones less well than equal ones.
        """
        found = [self.near] if self.seen is None else [self.near, self.seen.near]
        known = [min(1.0, max(0.0, each)) for each in found if math.isfinite(each)]
        return sum(known) / len(known) if known else math.nan

    @property
    def is_read(self) -> bool:
        """Whether a second model says how near it is."""
        return self.seen is not None and math.isfinite(self.seen.near)

    @property
    def verdict(self) -> Verdict:
        """Whether it can be trusted.

        ``no`` for a picture that does not even excite its target, that a small change undoes, or that is like others
        rather than like the pictures that excite the target most; ``trust`` for one that is like these to both models.
        """
        if self.rank.share < _WEAK or self.kept < 0 or self.score < _DOUBTED:
            return "no"
        sound = self.rank.share >= _STRONG and not self.kept < _KEPT
        return "trust" if sound and self.is_read and self.score >= _TRUSTED else "doubt"

    @property
    def is_only_unread(self) -> bool:
        """Whether all that it lacks is a second model that has read it."""
        return self.seen is None and self.verdict == "doubt" and self.against == (_UNREAD,)

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against it, in words; empty if nothing does."""
        rank = (f"it excites the target {self.rank.in_words}",) if self.rank.share < _STRONG else ()
        return *rank, *self._against_the_rest()

    def _against_the_rest(self) -> Iterator[str]:
        yield from self._against_by_nearness()
        if self.kept < _KEPT:
            yield f"a shift, a blur and a JPEG leave {100 * max(0.0, self.kept):.0f} % of the activation"
        if self.higher > max(1, _FEW * self.among):
            yield f"{self.higher:,} of {self.among:,} {self.beside} stand higher in it"
        if self.path < _NEAR:
            yield f"it goes another way through the layers than {_TOPS}"

    def _against_by_nearness(self) -> Iterator[str]:
        seen = self.seen
        if seen is None:
            yield _UNREAD
        elif not self.is_read:
            yield f"{seen.reader} does not tell {_TOPS} from others"
        elsewhere = seen is not None and seen.near < _NEAR
        if elsewhere and self.near < _NEAR:
            yield f"it is not like {_TOPS}"
        elif elsewhere or self.near < _NEAR:
            yield f"to {seen.reader if seen is not None and elsewhere else 'its own model'} it is not like {_TOPS}"
        elif self.score < _TRUSTED:
            yield f"it is only somewhat like {_TOPS}"
        if seen is not None and seen.higher > max(1, _FEW * seen.concepts):
            yield f"to {seen.reader} {seen.higher:,} of {seen.concepts:,} concepts stand higher in it"

    @property
    def _unread(self) -> str:
        own = f"does not tell {_TOPS} from others"
        if math.isfinite(self.near):
            own = f"finds it like {_TOPS} (nearness {self.score:.2f} of 1)"
        return f"only because {_UNREAD}; its own {own}"

    @property
    def beside_rank(self) -> str:
        """The verdict with its reasons, for who knows already where the activation is."""
        if self.is_only_unread:
            return f"Doubt: {self._unread}"
        reasons = "; ".join(self._against_the_rest())
        return f"{self.verdict.capitalize()}{self._colon}{reasons}" if reasons else self.verdict.capitalize()

    @property
    def in_words(self) -> str:
        """The verdict with its reasons, in a sentence."""
        if self.is_only_unread:
            return f"Doubt: {self._unread}; it excites the target {self.rank.in_words}"
        if self.verdict != "trust":
            return f"{self.verdict.capitalize()}: {'; '.join(self.against)}"
        best = "a superstimulus, since nothing in the set excites the target as much; " if self.rank.ratio > 1 else ""
        but = "; ".join(self.against)
        return f"Trust: {best}it excites the target {self.rank.in_words}{f'; but {but}' if but else ''}"

    @property
    def _colon(self) -> str:
        return ", but " if self.verdict == "trust" else ": "
