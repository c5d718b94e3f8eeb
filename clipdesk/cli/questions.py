"""``clipdesk find``, ``layer``, ``examples`` and ``words``: questions that a survey answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click

from clipdesk.cli.wanted import Wanted, asked_of_a_survey, concepts_option
from clipdesk.errors import UsageError
from clipdesk.models.names import find_name

COLUMNS = ("density", "selectivity", "kurtosis", "maximum", "clarity", "monosemanticity", "redundancy")
"""As `questions.layer.COLUMNS`, which takes NumPy along."""
READINGS = ("probability", "cosine", "wpmi", "sparse", "span", "decoder")
"""As `questions.words.Reading`, and that of what an attention head writes."""
_LAYER = "Name of a layer ('clipdesk layers'), full or short: 3.mlp.gelu."


def _count(usual: int, of_what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--count", type=click.IntRange(1), default=usual, show_default=True, help=f"Number of {of_what}, at most."
    )


@click.command()
@click.argument("text", required=False)
@click.option("--image", type=click.Path(path_type=Path), help="An image instead of a text.")
@click.option("--like", "unit", metavar="LAYER:UNIT", help="A unit instead: those that fire in the same pictures.")
@click.option(
    "--in-model",
    "other",
    metavar="MODEL",
    help="With --like: list units of this model instead, from its survey of the same images.",
)
@click.option("--layer", "layers", multiple=True, help=f"Search only there; may be given several times. {_LAYER}")
@_count(20, "units")
@asked_of_a_survey
def find(
    text: str | None,
    image: Path | None,
    unit: str | None,
    other: str | None,
    layers: tuple[str, ...],
    count: int,
    pooling: str | None,
    as_json: bool,
    wanted: Wanted,
) -> None:
    """Find the units that answer to a TEXT such as "a heart", to an image, or that are like another unit.

    They are ranked by correlation over all pictures of a survey.
    """
    if sum(each is not None for each in (text, image, unit)) != 1:
        raise UsageError('Say what to find: a text such as "a heart", --image FILE or --like LAYER:UNIT')
    if other is not None:
        if unit is None or layers:
            raise UsageError("--in-model is for --like LAYER:UNIT, and searches all layers")
        _asking().find_in(wanted, find_name(other), unit, pooling, count, as_json)
    else:
        _asking().find(wanted, text, image, unit, layers, pooling, count, as_json)


@click.command()
@click.argument("layer")
@click.option(
    "--sort",
    type=click.Choice([*COLUMNS, "max"]),
    default="clarity",
    show_default=True,
    help="The number to sort by; max is short for maximum.",
)
@click.option("--ascending", is_flag=True, help="Smallest first.")
@_count(20, "units")
@asked_of_a_survey
def layer(
    layer: str, sort: str, ascending: bool, count: int, pooling: str | None, as_json: bool, wanted: Wanted
) -> None:
    """List the units of a LAYER that are worth looking at, with their numbers; dead and dense units are named.

    clarity: how alike its top pictures are. selectivity: how few pictures excite it, or how much more one class does.
    density: share of the pictures in which it is above zero. kurtosis: how far few pictures stand out. maximum: its
    largest value, in standard deviations. monosemanticity: how alike all pictures are that excite it. redundancy: its
    largest correlation with another unit of the layer.
    """
    column = "maximum" if sort == "max" else sort
    _asking().layer(wanted, layer, column, ascending, pooling, count, as_json)


@click.command()
@click.argument("unit", metavar="LAYER:UNIT")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write a contact sheet: a .png.")
@_count(8, "pictures of each part of its range")
@asked_of_a_survey
def examples(unit: str, output: Path | None, count: int, pooling: str | None, as_json: bool, wanted: Wanted) -> None:
    """Show what a unit such as 5.mlp.gelu:556 answers to: pictures from the top of its range to the bottom.

    On the contact sheet, each picture stands above itself with colour only where the unit fires.
    """
    if output is not None and output.suffix.lower() != ".png":
        raise UsageError(f"A contact sheet of examples is a .png, not {output.name}")
    _asking().examples(wanted, unit, output, pooling, count, as_json)


@click.command()
@click.argument("units", metavar="LAYER[:UNIT]")
@concepts_option
@click.option(
    "--reading", type=click.Choice(READINGS), default=READINGS[0], show_default=True, help="How words are chosen."
)
@click.option(
    "--reader",
    metavar="MODEL",
    help="Another model, whose words it is to be; they rest on the sampled pictures.  [default: the model itself]",
)
@_count(5, "words for each unit")
@asked_of_a_survey
def words(
    units: str,
    concepts: str | None,
    reading: str,
    reader: str | None,
    count: int,
    pooling: str | None,
    as_json: bool,
    wanted: Wanted,
) -> None:
    """Say in words what a unit answers to, or all units of a layer.

    Each word comes with its correlation in pictures that were held out; one that is no better than chance is weak.
    For an attention head such as 5.attn.heads:1, --reading span says what it writes into the embedding: words whose
    directions explain most of its variance. The sampled pictures are read again, in seconds with a small model.
    For a latent of a sparse autoencoder of the image embedding, --reading decoder says what it writes: the words whose
    embeddings have the largest cosine with its direction of the decoder. That needs no survey.
    """
    _asking().words(wanted, units, concepts, reading, reader, pooling, count, as_json)


class Answering(NamedTuple):
    """What answers: questions to surveys, pages, checks of pictures, comparisons of models, and trainings."""

    asking: ModuleType
    paging: ModuleType
    checking: ModuleType
    comparing: ModuleType
    timing: ModuleType
    training: ModuleType


def with_torch() -> Answering:
    """Import what answers, which takes torch along, only when a command runs."""
    from clipdesk.cli import asking, checking, comparing, paging, timing, training

    return Answering(asking, paging, checking, comparing, timing, training)


def _asking() -> ModuleType:
    return with_torch().asking
