"""AskedSurvey: a survey with all that the window asks of it. Takes torch along."""

from __future__ import annotations

from clipdesk.activations.choosing import surveys_of
from clipdesk.gui.surveys import exporting, facts, questions
from clipdesk.gui.surveys.open_survey import OpenSurvey


class AskedSurvey(OpenSurvey):
    """One import for the threads that ask, which the first sight of the window does without."""

    unit_facts = facts.unit_facts
    export_layer = exporting.export_layer
    export_unit = exporting.export_unit
    find = questions.find
    heat_of_image = questions.heat_of_image
    judgement = questions.judgement
    layer_facts = questions.layer_facts
    surprise = questions.surprise
    with_words = questions.with_words


__all__ = ["AskedSurvey", "surveys_of"]
