"""Surveys are made here, with their progress on the terminal. Takes torch along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from clipdesk.activations.storing import DAMAGED, damaged_surveys, left_out_of, read_manifest
from clipdesk.activations.surveying import Divided, survey_images
from clipdesk.cli.bars import SurveyBar
from clipdesk.cli.opening import open_with_bar, say_remarks
from clipdesk.cli.output import say, say_json, say_path
from clipdesk.cli.places import divided_on, executor_on
from clipdesk.cli.terminal import interruptible, said_if_slow
from clipdesk.errors import one_line
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.models.names import ModelName
from clipdesk.network.opened import OpenModel

_SHOWN = 5
"""Pictures that were left out and are named."""


def make_survey(
    name: ModelName,
    images: str,
    layers: Sequence[str] | None,
    device: str | None,
    *,
    as_json: bool,
    place: str | None,
) -> None:
    """Make a survey, print its folder, and say how many pictures it has read and left out.

    Raises:
        ClipDeskError: as `open_image_set`, `ModelPool.open` and `survey_images`.
        click.Abort: it was interrupted; what it has found is kept.
    """
    with executor_on(place) as executor:
        opened_set = look_at(images)
        opened = open_with_bar(name, device or "auto")
        say_remarks(opened)
        folder = survey_with_bar(opened, opened_set, layers, lambda stop: divided_on(executor, device or "auto", stop))
    manifest, left_out = read_manifest(folder), left_out_of(folder)
    if as_json:
        away = [{"place": each.place, "reason": each.reason} for each in left_out]
        say_json({"folder": str(folder), "pictures": manifest.pictures, "left_out": away})
    else:
        say_path(folder)
    read = "1 picture" if manifest.pictures == 1 else f"{manifest.pictures:,} pictures"
    say(f"{read} read, {len(left_out):,} left out{':' if left_out else ''}", err=True)
    for each in left_out[:_SHOWN]:
        say(f"  {one_line(each.place, 200)}: {each.reason}", err=True)
    if len(left_out) > _SHOWN:
        say(f"  ... and {len(left_out) - _SHOWN:,} more, all in {folder / 'left_out.jsonl'}", err=True)
    for aside in damaged_surveys(folder.parent):
        if aside.name.startswith(f"{folder.name}{DAMAGED}"):
            say(f"Note: the survey that was there could not be read. It is kept as {aside.name}.", err=True)
    if manifest.changed:
        say("Note: the images have changed meanwhile. The same command surveys them as they are now.", err=True)


def look_at(images: str) -> ImageSet:
    """Open an image set; where that takes long, say so."""
    with said_if_slow(f"Looking at {images} ..."):
        return open_image_set(images)


def survey_with_bar(
    opened: OpenModel,
    images: ImageSet,
    layers: Sequence[str] | None = None,
    divided: Callable[[Callable[[], bool]], Divided | None] = lambda _: None,
) -> Path:
    """Survey an image set with a bar on the error output; the folder of the survey.

    Args:
        opened: The model.
        images: The pictures.
        layers: Which layers; by default those that `usual_layers` names.
        divided: Gives what reads the pictures, from what says whether to stop; by default this process reads them.

    Raises:
        ClipDeskError: as `survey_images`.
        click.Abort: it was interrupted; what it has found is kept.
    """
    progress = None
    with interruptible() as interrupted, SurveyBar(len(images.pictures), images.name) as bar:
        surveying = survey_images(opened, images, layers, divided=divided(interrupted))
        for progress in surveying:
            bar.update(progress)
            if progress.remark:
                say(f"{progress.remark}.", err=True)
            if progress.folder is not None:
                return progress.folder
            if interrupted():
                break
        surveying.close()
    done = progress.done if progress else 0
    say(f"{done:,} of {len(images.pictures):,} pictures are done. The same command goes on from there.", err=True)
    raise click.Abort
