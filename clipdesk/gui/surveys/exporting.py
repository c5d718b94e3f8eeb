"""Pages of units and layers, as the window writes them. Takes torch along."""

from __future__ import annotations

from pathlib import Path

from clipdesk.export.composer import Composer
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.gui.surveys.open_survey import OpenSurvey


def export_unit(survey: OpenSurvey, path: Path, pooled: PooledUnit, results: Path, *, photos: bool) -> None:
    """Write a unit's page.

    Args:
        survey: What is known of it.
        path: The page; or, with the suffix ``.json``, what it says as plain data.
        pooled: The unit.
        results: Where rendered pictures are.
        photos: Whether the page may show photos.

    Raises:
        ClipDeskError: it cannot be written; the survey or the model cannot be read any more.
    """
    composer = _composer(survey, results, photos)
    composer.unit(pooled.layer, pooled.unit, survey.pooling(pooled)).save(path)


def export_layer(survey: OpenSurvey, path: Path, pooled: PooledUnit, results: Path, *, photos: bool) -> None:
    """Write the page of a unit's layer, the clearest units first. As `export_unit`."""
    _composer(survey, results, photos).layer(pooled.layer, pooling=survey.pooling(pooled)).save(path)


def _composer(survey: OpenSurvey, results: Path, photos: bool) -> Composer:
    return Composer(survey.opened(), survey.folder, survey.survey, survey.lexicon, results, photos)
