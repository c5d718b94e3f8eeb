"""``clipdesk survey``, and ``clipdesk surveys``, which lists and deletes what it has made."""

from __future__ import annotations

from types import ModuleType

import click

from clipdesk.cli.listing import find_model, json_option, model_option, trust_option
from clipdesk.cli.options import on_option
from clipdesk.cli.output import say
from clipdesk.cli.terminal import show

SCENES = "scenes:5000"
"""The images that are surveyed where none are named: they are drawn, so they are there."""


@click.command()
@click.argument("images", default=SCENES)
@model_option
@trust_option
@click.option(
    "--layers",
    multiple=True,
    metavar="LAYER[,LAYER...]",
    help="Layers to survey, full or short names; may be given several times.  [default: the residual stream, attention "
    "and its heads, the MLP's hidden layer and output, a ResNet's stages, the embedding]",
)
@click.option("--device", help="Where to compute: cpu, cuda, mps.  [default: a GPU if there is one]")
@on_option
@json_option
def survey(
    images: str,
    model: str,
    trust_archive: bool,
    layers: tuple[str, ...],
    device: str | None,
    place: str | None,
    as_json: bool,
) -> None:
    """Find out what each unit of a model answers to in IMAGES, in one pass.

    IMAGES is a folder, a list or table of images, a .tar or .parquet file that holds images, or scenes:5000 for as many
    drawn scenes.  [default: scenes:5000]

    What is found is kept: 'clipdesk find', 'layer', 'examples' and 'words' answer from it. After Ctrl-C the same
    command goes on.
    """
    from clipdesk.cli import surveying

    name = find_model(model, trust_archive)
    named = [each.strip() for given in layers for each in given.split(",") if each.strip()]
    surveying.make_survey(name, images, named or None, device, as_json=as_json, place=place)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def surveys(context: click.Context, as_json: bool) -> None:
    """List the surveys that were made, newest first; 'surveys delete' deletes one."""
    if context.invoked_subcommand is not None:
        return
    rows = kept().listed_surveys(as_json)
    if not rows and not as_json:
        say("There are no surveys yet. Make one with: clipdesk survey", err=True)
        return
    optional = ("layers", "left_out", "model", "images", "MB", "made", "pictures")
    show(rows, key="survey", title="Surveys", as_json=as_json, optional=optional)


@surveys.command()
@click.argument("names", nargs=-1, required=True, metavar="SURVEY...")
def delete(names: tuple[str, ...]) -> None:
    """Delete surveys by their names, or by the beginning of a name. The images stay."""
    kept().delete_surveys(names)


def kept() -> ModuleType:
    """Import what lists and deletes surveys and comparisons."""
    # Only when one of them runs: it takes NumPy along, but not torch.
    from clipdesk.cli import kept as found

    return found
