"""What a check found, as plain data: for PNGs, metadata, pages and JSON."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from typing_extensions import Self

from clipdesk.activations.checking.usual import thorough_in_words
from clipdesk.errors import UsageError
from clipdesk.version import __version__

if TYPE_CHECKING:
    from clipdesk.activations.checking.check import Check
    from clipdesk.activations.checking.thorough import Thorough

MAX_CHARS = 20_000
"""Longest text of a record; longer ones are not parsed."""

_Short = Annotated[str, Field(max_length=4096)]
_Count = Annotated[int, Field(ge=0)]


class CheckRecord(BaseModel):
    """What a check found.

    Attributes:
        clipdesk: Version of ClipDesk.
        date: When it was checked, in ISO 8601, UTC.
        survey: Name of the survey that the picture was compared with.
        pictures: Pictures of that survey that have a score.
        verdict: ``trust``, ``doubt`` or ``no``.
        score: How near it is to the pictures that excite its target most, to both models, from 0 to 1; None where that
            is not known, as in all others.
        percentile: Where its activation stands among the survey's pictures, in percent.
        times_best: Its activation, divided by that of the survey's best picture.
        higher: Units of its layer, or concepts, that stand higher in it.
        of: How many those are of.
        kept: Share of its activation that small changes leave.
        path: How near its way through the layers is to that of the pictures that excite its target most.
        near: How near it is to these in the model's own embedding.
        reader: The second model; None where none has read it.
        reader_near: How near it is to these to the second model.
        reader_higher: For a text, concepts that stand higher in it to the second model.
        agreement: How alike pictures of other seeds are, as a cosine; like the following ones None unless it was asked.
        control: How like the picture is to pictures of shuffled weights, as a cosine.
        word: The word whose written picture was measured.
        written: Where the activation of that picture stands among the survey's pictures, in percent.
        why: The verdict's reasons, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clipdesk: Annotated[str, Field(max_length=64)]
    date: Annotated[str, Field(max_length=64)]
    survey: _Short
    pictures: _Count
    verdict: Literal["trust", "doubt", "no"]
    score: FiniteFloat | None
    percentile: FiniteFloat
    times_best: FiniteFloat | None
    higher: _Count | None
    of: _Count | None
    kept: FiniteFloat | None
    path: FiniteFloat | None
    near: FiniteFloat | None
    reader: _Short | None
    reader_near: FiniteFloat | None
    reader_higher: _Count | None
    agreement: FiniteFloat | None = None
    control: FiniteFloat | None = None
    word: _Short | None = None
    written: FiniteFloat | None = None
    why: Annotated[str, Field(max_length=8192)]

    @classmethod
    def of_check(cls, found: Check, survey: str, thorough: Thorough | None = None) -> Self:
        """What a check has found now.

        Args:
            found: The check.
            survey: Name of the survey.
            thorough: What renders and the written word say, if they were asked.
        """
        seen, more = found.seen, thorough
        written = None if more is None else more.written
        also = "" if more is None or not more.against else f"; {'; '.join(more.against)}"
        return cls(
            clipdesk=__version__,
            date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            survey=survey,
            pictures=found.rank.count,
            verdict=found.verdict,
            score=_number(found.score),
            percentile=round(100 * found.rank.share, 2),
            times_best=_number(found.rank.ratio),
            higher=found.higher if found.among else None,
            of=found.among or None,
            kept=_number(found.kept),
            path=_number(found.path),
            near=_number(found.near),
            reader=None if seen is None else seen.reader,
            reader_near=None if seen is None else _number(seen.near),
            reader_higher=seen.higher if seen is not None and seen.concepts else None,
            agreement=None if more is None else _number(more.agreement),
            control=None if more is None else _number(more.control),
            word=None if more is None else more.word or None,
            written=None if written is None else round(100 * written.share, 2),
            why=f"{found.in_words.partition(': ')[2]}{also}",
        )

    @property
    def thorough(self) -> str:
        """What a thorough check has found, in a sentence; empty where there was none."""
        if self.agreement is None:
            return ""
        control = math.nan if self.control is None else self.control
        return thorough_in_words(self.agreement, control, self.word or "", self.written)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a record from untrusted text.

        Raises:
            UsageError: it is not one.
        """
        if len(text) > MAX_CHARS:
            raise UsageError("its check is longer than any that ClipDesk writes")
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise UsageError("its check cannot be read") from error


def _number(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
