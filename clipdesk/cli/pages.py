"""``clipdesk page``: HTML of a folder of pictures, of a unit or of a layer."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clipdesk.cli.folder import opened
from clipdesk.cli.options import FOLDER, was_given
from clipdesk.cli.questions import COLUMNS, with_torch
from clipdesk.cli.wanted import Wanted, asked_of_a_survey, concepts_option
from clipdesk.errors import UsageError

if TYPE_CHECKING:
    from clipdesk.activations.statistics import Pooling

_NAME = re.compile(r"\s*[\w.]+(?::\d{1,9})?\s*", re.ASCII)
_OF_FOLDERS = ("megabytes",)
_OF_SURVEYS = ("rendered", "with_photos", "concepts", "sort", "pooling", "images", "survey", "as_json")


@click.command()
@click.argument("what", metavar="FOLDER|LAYER|LAYER:UNIT", default=FOLDER)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="HTML file to write.  [default: page.html in FOLDER; LAYER-UNIT.html]",
)
@click.option(
    "--megabytes",
    type=click.FloatRange(1, 2000),
    default=30.0,
    show_default=True,
    help="Largest size of a folder's page.",
)
@click.option("--with-photos", is_flag=True, help="Show the survey's photos, small. Drawn scenes are always shown.")
@click.option(
    "--rendered",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=Path(FOLDER),
    show_default=True,
    help="Where the units' rendered pictures are.",
)
@concepts_option
@click.option(
    "--sort", type=click.Choice(COLUMNS), default="clarity", show_default=True, help="Order of a layer's units."
)
@asked_of_a_survey
def page(
    what: str,
    output: Path | None,
    megabytes: float,
    with_photos: bool,
    rendered: Path,
    concepts: str | None,
    sort: str,
    pooling: Pooling | None,
    as_json: bool,
    wanted: Wanted,
) -> None:
    """Write one HTML page: of the pictures in FOLDER, of a LAYER, or of a unit such as 5.mlp.gelu:556.

    It opens in any browser without a server or a network, and needs no other file. A folder's page has its pictures,
    curves and recipes. The pages of a unit and a layer have what a survey says of them, beside their rendered pictures;
    links in them open the window. With --json, what a unit's or a layer's page says is printed, and the page is
    written only if -o names it.
    """
    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"A page is an .html file, not {output.name}")
    # Not Path.is_dir, which raises an error for a name that is too long.
    if what == FOLDER or os.path.isdir(what) or not _NAME.fullmatch(what):
        _of_folder(Path(what), output, megabytes)
        return
    _refuse(_OF_FOLDERS, "a folder's page")
    paging = with_torch().paging
    making = paging.Paging(wanted, output, rendered, concepts, pooling, photos=with_photos, as_json=as_json)
    if ":" in what:
        making.unit(what)
    else:
        making.layer(what.strip(), sort)


def _of_folder(folder: Path, output: Path | None, megabytes: float) -> None:
    _refuse(_OF_SURVEYS, "the page of a unit or a layer")
    opened(folder).page(output or folder / "page.html", megabytes)


def _refuse(options: tuple[str, ...], of_what: str) -> None:
    """Refuse options that mean nothing for the page that is asked for."""
    for name in options:
        if was_given(name):
            option = "json" if name == "as_json" else name.replace("_", "-")
            raise UsageError(f"--{option} is for {of_what}, so leave it out")
