"""Which survey answers a question, and what it is asked about. Takes torch along."""

from __future__ import annotations

import shlex
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipdesk.activations.choosing import survey_named, surveys_of
from clipdesk.activations.layers import usual_layers
from clipdesk.activations.storing import open_survey
from clipdesk.activations.survey import Survey
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say
from clipdesk.cli.surveying import look_at, survey_with_bar
from clipdesk.cli.surveys import SCENES
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import UsageError, one_line
from clipdesk.models.names import find_name, is_of_scenes, short_name
from clipdesk.network.layer_names import short_layer, split_unit
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


def ask(wanted: Wanted, layers: Sequence[str] = (), unit: tuple[str, int] | None = None) -> Asked:
    """The survey that a person means; of an embedded model one is made if there is none.

    Args:
        wanted: What the person typed.
        layers: The layers that the question is about, full or short; a survey that has them is preferred.
        unit: The unit that it is about, by its layer and index.

    Raises:
        UsageError: there is no such layer or unit; there is no such survey, it is of other weights, or it does not have
            one of the layers.
        ClipDeskError: as `ModelPool.open`; or the survey of an embedded model cannot be made.
        click.Abort: that was interrupted.
    """
    given = None if wanted.survey is None else survey_named(wanted.survey)
    name = wanted.model if wanted.given or given is None else find_name(given[1].model)
    pinned = given[1].weights if given is not None and str(name) == given[1].model else None
    opened = open_with_bar(name, "cpu", weights=pinned)
    if given is not None and opened.sha256 != given[1].weights:
        raise UsageError(f"{given[0].name} is a survey of {given[1].model}, not of {opened.name}")
    # What is not there is said before a survey is made for it.
    named = [opened.inspector.visualizable(each).name for each in layers]
    if unit is not None:
        named.append(opened.inspector.check_unit(*unit).name)
    folder, source = (given[0], given[1].source) if given else _chosen(opened, wanted, named)
    survey = open_survey(folder)
    _check_layers(opened, source, named, {layer for layer, _ in survey.statistics})
    return Asked(opened, folder, survey)


def unit_of(text: str) -> tuple[str, int]:
    """The layer and the index of a unit that a person typed.

    Raises:
        UsageError: it is not the name of a unit.
    """
    found = split_unit(text)
    if found is None or text.strip()[:1] in "+-":
        raise UsageError(f"'{one_line(text)}' is not a unit. Write LAYER:UNIT, such as 3.mlp.gelu:5")
    return found


def _chosen(opened: OpenModel, wanted: Wanted, layers: Sequence[str]) -> tuple[Path, str]:
    """The folder of the newest survey, and what opens its images."""
    found = surveys_of(opened.sha256 or "", plain=opened.plain, images=wanted.images, layers=layers)
    if not found:
        return _made(opened, wanted, layers), SCENES
    folder, newest = found[0]
    if len({manifest.source for _, manifest in found}) > 1:
        say(f"Asked: {folder.name}, the newest. Ask another with --images or --survey.", err=True)
    return folder, newest.source


def _made(opened: OpenModel, wanted: Wanted, layers: Sequence[str]) -> Path:
    if opened.name is not None and is_of_scenes(opened.name) and wanted.images in (None, SCENES):
        _check_layers(opened, SCENES, layers, set(usual_layers(opened.inspector)))
        say(f"{opened.name} has no survey yet, so it is made now, once.", err=True)
        return survey_with_bar(opened, look_at(SCENES))
    model = short_name(wanted.model)
    of_set = "" if wanted.images is None else f" over {one_line(wanted.images)}"
    raise UsageError(f"There is no survey of {model}{of_set}. Make one with: {_command(wanted.images, opened)}")


def _check_layers(opened: OpenModel, source: str, layers: Sequence[str], there: Container[str]) -> None:
    missing = [short_layer(layer) for layer in layers if layer not in there]
    if missing:
        names = ",".join(missing)
        command = f"{_command(source, opened)} --layers {names}"
        raise UsageError(f"The survey does not have {' and '.join(missing)}. Make one that does with: {command}")


def _command(images: str | None, opened: OpenModel) -> str:
    """What is to be typed for a survey."""
    named = "IMAGES" if images is None else shlex.quote(one_line(images, 500))
    return f"clipdesk survey {named} --model {shlex.quote(one_line(opened.name, 500))}"
