"""AskedSurvey: a survey with all that the window asks of it. Takes torch along."""

from __future__ import annotations

import time

import torch

from clipdesk.activations.choosing import last_set, surveys_of
from clipdesk.activations.layers import usual_layers
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.scan import precision_for
from clipdesk.export.checked import keep_check
from clipdesk.gui.surveys import checks, exporting, facts, questions
from clipdesk.gui.surveys.open_survey import OpenSurvey
from clipdesk.models.names import ModelName
from clipdesk.network.pool import default_pool

_BATCH = 8
_OVERHEAD = 1.3
"""What a survey takes beside the forward passes."""


def seconds_for(name: ModelName, pictures: int) -> float:
    """About how long a survey of so many pictures takes here, from one small batch.

    Raises:
        ClipDeskError: the model cannot be opened any more.
    """
    opened = default_pool().open(name)
    reader = PooledReader(opened, usual_layers(opened.inspector), precision_for(opened))
    pixels = torch.zeros(_BATCH, 3, opened.side, opened.side, dtype=torch.uint8)
    reader.read(pixels)
    begun = time.monotonic()
    reader.read(pixels)
    return _OVERHEAD * pictures * (time.monotonic() - begun) / _BATCH


class AskedSurvey(OpenSurvey):
    """One import for the threads that ask, which the first sight of the window does without."""

    last_set = staticmethod(last_set)
    of_model = staticmethod(surveys_of)
    seconds_for = staticmethod(seconds_for)
    unit_facts = facts.unit_facts
    export_layer = exporting.export_layer
    export_unit = exporting.export_unit
    check_again = checks.check_again
    check_in_words = checks.check_in_words
    counterparts = questions.counterparts
    find = questions.find
    heat_of_image = questions.heat_of_image
    judgement = questions.judgement
    keep_check = staticmethod(keep_check)
    kept_check = checks.kept_check
    layer_facts = questions.layer_facts
    surprise = questions.surprise
    verdict = checks.verdict
    with_words = questions.with_words
    words_written = questions.words_written
    writes_words = questions.writes_words


__all__ = ["AskedSurvey", "seconds_for", "surveys_of"]
