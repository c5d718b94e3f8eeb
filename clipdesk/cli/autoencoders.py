"""``clipdesk sae``: sparse autoencoders of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from clipdesk.activations.autoencoders.settings import Kind, TokenChoice, TrainingSettings
from clipdesk.cli.listing import find_model, json_option, model_option, trust_option
from clipdesk.cli.questions import with_torch
from clipdesk.cli.surveys import SCENES

_USUAL = TrainingSettings(layer="")


@click.group()
def sae() -> None:
    """Sparse autoencoders, whose latents are often clearer than neurons."""


@sae.command()
@click.argument("layer")
@click.option(
    "--images",
    default=SCENES,
    metavar="SET",
    show_default=True,
    help="What to learn from: a folder, a list or table, a .tar or .parquet file, or drawn scenes.",
)
@model_option
@trust_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="New folder for it.  [default: one of ClipDesk's own]",
)
@click.option(
    "--kind",
    type=click.Choice(get_args(Kind)),
    default=_USUAL.kind,
    show_default=True,
    help="How latents are kept few: top-k, or Matryoshka batch top-k.",
)
@click.option("--latents", type=click.IntRange(8, 2**18), help="How many latents.  [default: 8 for each unit]")
@click.option(
    "--active",
    type=click.IntRange(1, 1024),
    default=_USUAL.active,
    show_default=True,
    help="How many of them are active at a token; with Matryoshka, on average.",
)
@click.option(
    "--tokens",
    type=click.Choice(get_args(TokenChoice)),
    help="The tokens to learn from.  [default: the patches, or all positions of a ResNet's layer]",
)
@click.option("--steps", type=click.IntRange(1, 10_000_000), default=_USUAL.steps, show_default=True)
@click.option("--batch", type=click.IntRange(16, 2**16), default=_USUAL.batch, show_default=True, help="Tokens a step.")
@click.option(
    "--rate", type=click.FloatRange(0, 1, min_open=True), default=_USUAL.rate, show_default=True, help="Learning rate."
)
@click.option(
    "--positions",
    type=click.IntRange(1, 2**16),
    default=_USUAL.positions,
    show_default=True,
    help="The most tokens of a picture to learn from.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=_USUAL.seed, show_default=True)
@click.option("--device", help="Where to compute: cpu, cuda, mps.  [default: a GPU if there is one]")
@click.option("--later", is_flag=True, help="Only put it into the queue, for the window or 'clipdesk queue run'.")
@json_option
def train(
    layer: str,
    images: str,
    model: str,
    trust_archive: bool,
    output: Path | None,
    device: str | None,
    later: bool,
    as_json: bool,
    **settings: object,
) -> None:
    """Train a sparse autoencoder on what LAYER of a model makes of an image set.

    Needs pip install 'clipdesk[sae]'. It is written as SAELens writes them: sae_weights.safetensors and cfg.json. Every
    tenth picture is kept apart, to measure the fit. After Ctrl-C the same command goes on.
    """
    name = find_model(model, trust_archive)
    wanted = TrainingSettings.model_validate({"layer": layer, **settings})
    with_torch().training.train(name, images, wanted, device, output, later=later, as_json=as_json)
