"""``clipdesk models``, ``layers`` and ``neurons``."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clipdesk.cli.hints import note_model
from clipdesk.cli.options import was_given
from clipdesk.cli.output import say, say_json
from clipdesk.cli.terminal import said_if_slow, show
from clipdesk.errors import one_line
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.models.listing import Listed, named_models, open_clip_models
from clipdesk.models.names import ModelName, file_named, find_name
from clipdesk.models.trust import allow_file
from clipdesk.network.layer_names import short_label

if TYPE_CHECKING:
    from clipdesk.network.inspector import LayerInspector


def model_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--model`` and ``--sae``; both arrive as `model`, a name with what was added to it."""

    @wraps(function)
    def command(*, model: str, sae: tuple[str, ...], **others: object) -> None:
        function(model="".join([model, *(f"+sae:[{place}]" for place in sae)]), **others)

    with_model: Callable[..., None] = click.option(
        "--model", default=EMBEDDED, show_default=True, help="Name of a model ('clipdesk models') or a checkpoint file."
    )(command)
    return click.option(
        "--sae",
        multiple=True,
        metavar="FILE|FOLDER|hf:OWNER/NAME",
        help="A sparse autoencoder, whose latents become a layer of the model; 'shipped' is that of an embedded model. "
        "May be given several times.",
    )(with_model)


def model_given() -> bool:
    """True if the user said which model the running command is about."""
    return was_given("model") or was_given("sae")


trust_option = click.option(
    "--trust-archive",
    is_flag=True,
    help="Open a TorchScript archive that is not one of OpenAI's, and let the code in it run.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def find_model(name_or_path: str, trust_archive: bool) -> ModelName:
    """Parse and check the name of a model, and allow its file to be opened if it is an archive that the user trusts.

    Raises:
        UsageError, ClipDeskError: see `find_name` and `allow_file`.
    """
    name = find_name(name_or_path)
    note_model(name)
    file = file_named(name)
    if trust_archive and file is not None and os.path.isfile(file):
        allow_file(file)
    return name


@click.command()
@click.option("--open-clip", is_flag=True, help="List open_clip's models instead, about two hundred.")
@click.option(
    "--filter", "words", default="", help="List only models whose name or description contains all these words."
)
@json_option
def models(open_clip: bool, words: str, as_json: bool) -> None:
    """List the named models: file size, input size, licence, and path on this disk.

    A model that is not on this disk is downloaded when it is first opened. Until then, the size of one of open_clip's
    is estimated from its number of weights.
    """
    if open_clip:
        with said_if_slow("Loading open_clip ..."):
            listed = open_clip_models()
    else:
        listed = named_models()
    wanted = words.casefold().split()
    rows = [_row(model) for model in listed if all(w in f"{model.name} {model.description}".casefold() for w in wanted)]
    show(rows, key="name", title="Models", as_json=as_json)


def _row(model: Listed) -> dict[str, object]:
    return {
        "name": model.name,
        "input_px": model.input_size,
        "MB": model.megabytes,
        "licence": model.licence or f"see {model.page}",
        "on_disk": "no" if model.place is None else str(model.place),
        "description": model.description,
    }


@click.command()
@model_option
@trust_option
@click.option("--all", "everything", is_flag=True, help="Also list the layers that cannot be visualised, and why.")
@json_option
def layers(model: str, trust_archive: bool, everything: bool, as_json: bool) -> None:
    """List the layers of a model that can be visualised."""
    name = find_model(model, trust_archive)
    infos = [node.info for node in _inspector(name).tree.walk()]
    rows = [
        {
            "layer": info.name,
            "kind": info.kind,
            "units": info.units,
            "output": " x ".join(map(str, info.shape)),
            **({"cannot_be_visualised": info.reason or ""} if everything else {}),
        }
        for info in infos
        if everything or info.reason is None
    ]
    show(rows, key="layer", title=f"Layers of {model}", as_json=as_json)


@click.command()
@model_option
@trust_option
@click.option("--layer", required=True, help="Name of a layer ('clipdesk layers'), full or short: 3.mlp.gelu.")
@json_option
def neurons(model: str, trust_archive: bool, layer: str, as_json: bool) -> None:
    """List the neurons of a layer."""
    name = find_model(model, trust_archive)
    names = _inspector(name).get_neuron_names(layer)
    rows = [{"index": index, "name": name} for index, name in enumerate(names)]
    show(rows, key="name", title=f"Neurons of {layer}", as_json=as_json)


def _inspector(name: ModelName) -> LayerInspector:
    from clipdesk.cli.opening import open_with_bar, say_remarks

    opened = open_with_bar(name, "cpu")
    say_remarks(opened)
    return opened.inspector


_ACTIVATIONS = {"start": "first step", "end": "last step", "best": "best step", "picture": "clean"}
"""What a recipe calls its activations, and what they are: of steps, under their random changes, and of the picture."""


@click.command("show")
@click.argument("picture", type=click.Path(path_type=Path))
@json_option
def show_recipe(picture: Path, as_json: bool) -> None:
    """Print the recipe inside a PNG that ClipDesk wrote, and what a check has found that was kept in it."""
    from clipdesk.export.beside import read_with_worker

    found, worker = read_with_worker(picture)
    recipe, check = found.recipe, found.check
    if as_json:
        say_json(recipe.model_dump(mode="json"))
        return
    rows = {**recipe.model_dump(exclude={"target", "settings", "activation", "active"}), "target": recipe.target.label}
    rows["outcome"] = recipe.outcome_in_words
    if check is not None:
        rows["check"] = f"{check.verdict}: {check.why} ({check.date}, survey {check.survey})"
    if worker is not None:
        rows["worker"] = one_line(worker.in_words, 200)
    rows |= {f"activation {_ACTIVATIONS[name]}": value for name, value in recipe.activation.model_dump().items()}
    rows |= {f"latent {short_label(label)}": active.in_words for label, active in recipe.active.items()}
    rows |= recipe.settings.model_dump(exclude={"device"})
    rows["latents"] = ", ".join(f"{name} (SHA-256 {digest})" for name, digest in recipe.latents.items()) or None
    rows["files"] = ", ".join(f"{path} (SHA-256 {digest})" for path, digest in recipe.files.items()) or None
    wide = max(map(len, rows))
    for name, value in rows.items():
        say(f"{name:{wide}}  {'-' if value is None else value}")
