"""``clipdesk check``: whether rendered pictures can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clipdesk.cli.questions import with_torch
from clipdesk.cli.wanted import Wanted, asked_of_a_survey
from clipdesk.errors import UsageError

if TYPE_CHECKING:
    from clipdesk.activations.statistics import Pooling


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--unit", metavar="LAYER:UNIT", help="The unit, where the picture has no recipe, or another one.")
@click.option("--target", metavar="TARGET", help="Likewise, as 'clipdesk render --target' has it: '\"a star\"'.")
@click.option(
    "--reader",
    metavar="MODEL",
    help="A second model that reads the pictures.  [default: of demo demo-rn, of photo photo-small, and "
    "the other way round; with --thorough of OpenAI's models another one that was downloaded; else none]",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Also render each picture anew with other seeds and on shuffled weights, and show its target the written "
    "word. Takes about six times as long as the picture did.",
)
@click.option(
    "--keep",
    is_flag=True,
    help="Also write what is found into the pictures, and the metadata beside them. Not with --unit and --target.",
)
@asked_of_a_survey
def check(
    files: tuple[Path, ...],
    unit: str | None,
    target: str | None,
    reader: str | None,
    thorough: bool,
    keep: bool,
    pooling: Pooling | None,
    as_json: bool,
    wanted: Wanted,
) -> None:
    """Check whether pictures show what their targets look for.

    Each FILE is measured as it is saved, beside the pictures of a survey of its model: how much it excites its target,
    how many other units of the layer, or concepts, stand higher in it, what a shift, a blur and a JPEG leave, whether
    it goes the same way through the layers as the pictures that excite the target most, and how near these it is to a
    second model. The verdict is trust, doubt or no, with its reasons.
    """
    if not files:
        raise UsageError("Name the pictures to check: clipdesk check FILE...")
    with_torch().checking.check(files, unit, target, reader, thorough, keep, pooling, as_json, wanted)
