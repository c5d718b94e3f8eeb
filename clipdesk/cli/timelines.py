"""``clipdesk timeline``: a unit over the checkpoints of a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clipdesk.cli.listing import find_model, json_option, trust_option
from clipdesk.cli.questions import with_torch
from clipdesk.cli.surveys import SCENES
from clipdesk.cli.wanted import POOLINGS
from clipdesk.errors import UsageError

if TYPE_CHECKING:
    from clipdesk.activations.statistics import Pooling

_FILES = {"--csv": (".csv",), "--page": (".html", ".htm"), "--animation": (".webp", ".gif", ".mp4")}


@click.command()
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@click.option("--unit", required=True, metavar="LAYER:UNIT", help="The unit.")
@trust_option
@click.option("--images", default=SCENES, metavar="SET", show_default=True, help="What all of them read.")
@click.option(
    "--pooling",
    type=click.Choice(POOLINGS),
    default="mean",
    show_default=True,
    help="How its values at all patches become one, where its layer has that; else their mean.",
)
@click.option("--csv", "table", metavar="FILE", type=click.Path(path_type=Path), help="Write the numbers as CSV.")
@click.option("--page", metavar="FILE", type=click.Path(path_type=Path), help="Write an HTML page with its pictures.")
@click.option(
    "--animation", metavar="FILE", type=click.Path(path_type=Path), help="Write its pictures as .webp, .gif or .mp4."
)
@click.option("--device", help="Where to compute: cpu, cuda, mps.  [default: a GPU if there is one]")
@json_option
def timeline(
    checkpoints: tuple[str, ...],
    unit: str,
    trust_archive: bool,
    images: str,
    pooling: Pooling,
    table: Path | None,
    page: Path | None,
    animation: Path | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Follow a unit over the checkpoints of a training, in the order in which they are named.

    Each is compared with the first and with the last one over the same images. With --page or --animation, the unit is
    rendered in each of them, with the same seed and settings.
    """
    for option, path in zip(_FILES, (table, page, animation), strict=True):
        if path is not None and path.suffix.lower() not in _FILES[option]:
            raise UsageError(f"With {option}, name a {' or '.join(_FILES[option])} file, not {path.name}")
    names = [find_model(each, trust_archive) for each in checkpoints]
    wanted = with_torch().timing.Timing(names, unit, images, pooling, device, as_json)
    wanted.run(table, page, animation)
