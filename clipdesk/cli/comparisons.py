"""``clipdesk compare``, and ``clipdesk comparisons``, which lists and deletes what it has made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from clipdesk.cli.listing import find_model, json_option, trust_option
from clipdesk.cli.output import say
from clipdesk.cli.questions import with_torch
from clipdesk.cli.surveys import SCENES, kept
from clipdesk.cli.terminal import show
from clipdesk.cli.wanted import POOLINGS, concepts_option
from clipdesk.errors import UsageError

if TYPE_CHECKING:
    from clipdesk.activations.statistics import Pooling


@click.command()
@click.argument("first", metavar="MODEL_A")
@click.argument("second", metavar="MODEL_B")
@trust_option
@click.option(
    "--images",
    default=SCENES,
    metavar="SET",
    show_default=True,
    help="What both models read: a folder, a list or table, a .tar or .parquet file, or drawn scenes.",
)
@click.option(
    "--layers",
    multiple=True,
    metavar="LAYER[,LAYER...]",
    help="Layers to compare, full or short names, or pairs as 3.mlp.gelu=5.mlp.gelu.  [default: those of a survey]",
)
@click.option(
    "--match",
    is_flag=True,
    help="Compare each unit with the one of B that it correlates with most, whatever its number. Models of different "
    "architecture are always compared so.",
)
@click.option(
    "--pooling",
    type=click.Choice(POOLINGS),
    default="mean",
    show_default=True,
    help="How a unit's values at all patches become one, where a layer has that; else their mean.",
)
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="Number of units, at most.")
@click.option(
    "--sort",
    type=click.Choice(["drift", "moved"]),
    default="drift",
    show_default=True,
    help="The number to sort by: 1 - correlation, or the size of the difference, which is small for units that hardly "
    "vary.",
)
@click.option("--words", is_flag=True, help="Say what the units answer to in words. A page always does.")
@concepts_option
@click.option("--csv", "table", metavar="FILE", type=click.Path(path_type=Path), help="Write all units as CSV.")
@click.option("--page", metavar="FILE", type=click.Path(path_type=Path), help="Write an HTML page.")
@click.option(
    "--render",
    "rendered",
    type=click.IntRange(0, 64),
    default=6,
    show_default=True,
    help="Units of the page that are rendered: in A, in B, and what excites B's and not A's.",
)
@click.option("--with-photos", is_flag=True, help="Show photos in the page, small. Drawn scenes are always shown.")
@click.option("--device", help="Where to compute: cpu, cuda, mps.  [default: a GPU if there is one]")
@json_option
def compare(
    first: str,
    second: str,
    trust_archive: bool,
    images: str,
    layers: tuple[str, ...],
    match: bool,
    pooling: Pooling,
    count: int,
    sort: Literal["drift", "moved"],
    words: bool,
    concepts: str | None,
    table: Path | None,
    page: Path | None,
    rendered: int,
    with_photos: bool,
    device: str | None,
    as_json: bool,
) -> None:
    """Find out what differs between two models, such as one and what a fine-tuning has made of it.

    Both read the same images once. Of one architecture, units are compared with those of the same number: the list
    begins with those that have changed most. Of others, units are compared with those that they correlate with most.
    """
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"A page is an .html file, not {page.name}")
    if table is not None and table.suffix.lower() != ".csv":
        raise UsageError(f"With --csv, name a .csv file, not {table.name}")
    names = find_model(first, trust_archive), find_model(second, trust_archive)
    named = [each.strip() for given in layers for each in given.split(",") if each.strip()]
    comparing = with_torch().comparing
    comparing.Comparing(
        names,
        images,
        named or None,
        count,
        sort,
        match=match,
        pooling=pooling,
        words=words,
        concepts=concepts,
        table=table,
        page=page,
        rendered=rendered,
        photos=with_photos,
        device=device,
        as_json=as_json,
    ).run()


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def comparisons(context: click.Context, as_json: bool) -> None:
    """List the comparisons that were made, newest first; 'comparisons delete' deletes one."""
    if context.invoked_subcommand is not None:
        return
    rows = kept().listed_comparisons(as_json)
    if not rows and not as_json:
        say("There are no comparisons yet. Make one with: clipdesk compare", err=True)
        return
    optional = ("pooling", "partners", "layers", "left_out", "images", "MB", "made", "pictures", "model_a", "model_b")
    show(rows, key="comparison", title="Comparisons", as_json=as_json, optional=optional)


@comparisons.command()
@click.argument("names", nargs=-1, required=True, metavar="COMPARISON...")
def delete(names: tuple[str, ...]) -> None:
    """Delete comparisons by their names, or by the beginning of a name. The images and the models stay."""
    kept().delete_comparisons(names)
