"""Checks of rendered pictures, as the window asks a survey for them. Takes torch along."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.checking.thorough import check_thoroughly
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.statistics import Pooling
from clipdesk.errors import Cancelled, ClipDeskError, UsageError
from clipdesk.export.check_record import CheckRecord
from clipdesk.export.png import read_png
from clipdesk.models.names import ModelName, short_name
from clipdesk.models.transfer import Transfer
from clipdesk.models.trust import UntrustedArchive
from clipdesk.network.layer_names import short_layer
from clipdesk.network.pool import default_pool
from clipdesk.render.readable import Others
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target, Unit, terms_of

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import PooledUnit
    from clipdesk.gui.surveys.open_survey import OpenSurvey

Picture = Path | NDArray[np.uint8]
"""A picture's file, or its pixels, (height, width, 3 or 4)."""
_MORE = "Check thoroughly has a second model read it"
_TRUST = "Open it once with Model > Open checkpoint, which asks whether you trust who made it"


def verdict(survey: OpenSurvey, pooled: PooledUnit, picture: Picture) -> str:
    """Whether a rendered picture can be trusted, in words; it takes about a second for the embedded models.

    Raises:
        ClipDeskError: the picture or the model cannot be read any more.
    """
    layer, unit, _ = pooled
    found = _checked(survey, Unit(layer=layer, index=unit), picture, survey.pooling(pooled))
    return _with_hint(found, found.beside_rank)


def check_in_words(survey: OpenSurvey, target: Target, picture: Picture, settings: RenderSettings) -> tuple[str, bool]:
    """Whether a picture of any target can be trusted, in words; or why that is not known, and then also False.

    Args:
        survey: The survey.
        target: What the picture is to show.
        picture: The picture.
        settings: How it was rendered.

    Raises:
        ClipDeskError: the model cannot be opened any more.
    """
    for layer in [term.what.layer for term in terms_of(target) if isinstance(term.what, Unit | Others)]:
        if not any(layer == own for own, _ in survey.survey.statistics):
            short = short_layer(layer)
            return f"Not checked: the survey does not have {short}. It can be surveyed on the page of a unit", False
    try:
        found = _checked(survey, target, picture, None, own_texts=settings.own_texts)
        return _with_hint(found, found.in_words), True
    except UsageError as error:
        return f"Not checked: {error}", False


def check_again(
    survey: OpenSurvey,
    target: Target,
    picture: Picture,
    settings: RenderSettings,
    second: ModelName,
    progress: Callable[[int, int], object],
    loading: Callable[[Transfer], object],
    cancelled: Callable[[], bool],
) -> CheckRecord:
    """Check a picture thoroughly: it takes minutes for a large model.

    Args:
        survey: The survey.
        target: What the picture is to show.
        picture: The picture.
        settings: How it was rendered.
        second: The model that compares pictures; it is downloaded if it is not on this disk.
        progress: Told how many steps are done, and of how many.
        loading: Told how far the download is, if there is one.
        cancelled: Whether the check is to end.

    Raises:
        UsageError: the second model is the survey's; the survey does not know of a part of the target.
        ClipDeskError: the picture or a model cannot be read, or there is too little memory.
        Cancelled: `cancelled` said so.
    """

    def still_wanted() -> None:
        if cancelled():
            raise Cancelled

    try:
        reader = survey.reader(default_pool().open(second, progress=loading, cancelled=cancelled))
    except UntrustedArchive as error:
        raise ClipDeskError(f"{short_name(second)} holds code. {_TRUST}") from error
    with suppress(UsageError):
        # A model that reads no texts is shown none.
        survey.read_words(lambda _done, _count: still_wanted())
    found = _checked(survey, target, picture, None, own_texts=settings.own_texts, reader=reader)
    pixels, words = _opaque(picture), _words(survey)

    def tell(done: int, count: int) -> None:
        still_wanted()
        progress(done, count)

    more = check_thoroughly(
        survey.opened(), survey.survey, target, pixels, settings, reader=reader, vocabulary=words, progress=tell
    )
    return CheckRecord.of_check(found, survey.folder.name, more)


def kept_check(survey: OpenSurvey, picture: Path) -> CheckRecord | None:
    """What a thorough check by this survey has found that was kept in a picture; None if there is none."""
    try:
        found = read_png(picture).check
    except ClipDeskError:
        return None
    return found if found is not None and found.survey == survey.folder.name and found.thorough else None


def _checked(
    survey: OpenSurvey,
    target: Target,
    picture: Picture,
    pooling: Pooling | None,
    *,
    own_texts: bool = False,
    reader: SecondReader | None = None,
) -> Check:
    return check_picture(
        survey.opened(),
        survey.survey,
        target,
        _opaque(picture),
        read=survey.shown.read,
        reader=reader or survey.second_reader,
        vocabulary=_words(survey),
        pooling=pooling,
        own_texts=own_texts,
    )


def _with_hint(found: Check, words: str) -> str:
    """A verdict, with what can be done about it in the window."""
    return f"{words}. {_MORE}" if found.is_only_unread else words


def _opaque(picture: Picture) -> Picture:
    return picture if isinstance(picture, Path) else picture[..., :3]


def _words(survey: OpenSurvey) -> Vocabulary | None:
    """The words that are read: to read them takes minutes for a large model, and they change no verdict."""
    return None if survey.lexicon is None else survey.lexicon.vocabulary
