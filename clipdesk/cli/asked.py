"""Which survey answers a question, and what it is asked about. Takes torch along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipdesk.activations.choosing import survey_named, surveys_of
from clipdesk.activations.storing import open_survey
from clipdesk.activations.survey import Survey
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say
from clipdesk.cli.surveying import look_at, survey_with_bar
from clipdesk.cli.surveys import SCENES
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import UsageError, one_line
from clipdesk.models.catalogue import SHOWPIECES
from clipdesk.models.names import find_name, short_name
from clipdesk.network.layer_names import full_layer, split_unit
from clipdesk.network.opened import OpenModel


@dataclass(frozen=True, eq=False)
class Asked:
    """A survey that answers, with its model.

    Attributes:
        opened: The model, with the weights that were surveyed.
        folder: Where the survey is.
        survey: The survey.
    """

    opened: OpenModel
    folder: Path
    survey: Survey

    def layer(self, name: str) -> str:
        """The dotted name of a layer that a person typed, full or short.

        Raises:
            UsageError: the model has no such layer.
        """
        return self.opened.inspector.visualizable(name).name


def ask(wanted: Wanted, layers: Sequence[str] = ()) -> Asked:
    """The survey that a person means; of an embedded model one is made if there is none.

    Args:
        wanted: What the person typed.
        layers: The layers that the question is about, full or short; a survey that has them is preferred.

    Raises:
        UsageError: there is no such survey, or it is of other weights.
        ClipDeskError: as `ModelPool.open`; or the survey of an embedded model cannot be made.
        click.Abort: that was interrupted.
    """
    if wanted.survey is not None:
        folder, manifest = survey_named(wanted.survey)
        name = wanted.model if wanted.given else find_name(manifest.model)
        opened = open_with_bar(name, "cpu", weights=manifest.weights)
        return Asked(opened, folder, open_survey(folder))
    opened = open_with_bar(wanted.model, "cpu")
    named = [full_layer(each, opened.inspector.layers) for each in layers]
    found = surveys_of(opened.sha256 or "", images=wanted.images, layers=named)
    folder = found[0][0] if found else _made(opened, wanted)
    if len({manifest.source for _, manifest in found}) > 1:
        say(f"Asked: {folder.name}, the newest. Ask another with --images or --survey.", err=True)
    return Asked(opened, folder, open_survey(folder))


def unit_of(text: str) -> tuple[str, int]:
    """The layer and the index of a unit that a person typed.

    Raises:
        UsageError: it is not the name of a unit.
    """
    found = split_unit(text)
    if found is None or text.strip()[:1] in "+-":
        raise UsageError(f"'{one_line(text)}' is not a unit. Write LAYER:UNIT, such as 3.mlp.gelu:5")
    return found


def _made(opened: OpenModel, wanted: Wanted) -> Path:
    if str(opened.name) in SHOWPIECES and wanted.images in (None, SCENES):
        say(f"{opened.name} has no survey yet, so it is made now, once.", err=True)
        return survey_with_bar(opened, look_at(SCENES))
    model = short_name(wanted.model)
    of_set = "" if wanted.images is None else f" over {one_line(wanted.images)}"
    command = f"clipdesk survey {'IMAGES' if wanted.images is None else one_line(wanted.images)} --model {wanted.model}"
    raise UsageError(f"There is no survey of {model}{of_set}. Make one with: {command}")
