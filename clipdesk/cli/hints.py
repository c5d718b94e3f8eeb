"""What an error says beside what is wrong: which command has an option, and which model was asked."""

from __future__ import annotations

import re

import click

from clipdesk.errors import UsageError
from clipdesk.models.latents_names import shipped_latents
from clipdesk.models.names import ModelName, WithLatents, short_name

_MODEL = "clipdesk.model"
_LATENTS = re.compile(r"\.latents(?:_\d+)?'")
"""A layer of latents, as an error quotes it."""
_LIST = "Layers are listed by: clipdesk layers, and a layer's neurons by: clipdesk neurons --layer LAYER"
_SINGLE = "Single neurons are rendered by: clipdesk render --layer LAYER --neuron 3 --neuron 7"
_RANGE = "A range of neurons is rendered by: clipdesk batch --layer LAYER --neuron-range 0 64 8"
_OPTIONS = {
    "--list-layers": _LIST,
    "--list-neurons": _LIST,
    "--neuron": _SINGLE,
    "--neurons": f"{_SINGLE}\n{_RANGE}",
    "--neuron-range": _RANGE,
    "--unit": "A neuron is named by: --layer LAYER --neuron 7, or in one by: --target LAYER:7",
    "--learning-rate": "The learning rate is --lr 0.005",
    "--image-size": "The side of the picture is --size 512",
    "--block": "A block is a part of a layer's name: --layer 7.mlp ('clipdesk layers' lists them)",
}
"""Options that people look for on commands that do not have them, such as those of CLIP Neuron Visualizer."""


def of_wrong_use(error: click.ClickException) -> str:
    """Which command has what was looked for, in lines; empty where nothing is known."""
    if isinstance(error, click.NoSuchOption):
        return _OPTIONS.get(error.option_name, "")
    if isinstance(error, click.BadOptionUsage) and error.option_name == "--neuron-range":
        return _RANGE
    if isinstance(error, click.UsageError) and "unexpected extra argument" in error.message:
        command = "" if error.ctx is None else error.ctx.info_name
        return "What to render is named by --target, --layer and --neuron, or --text" if command == "render" else ""
    return ""


def note_model(name: ModelName) -> None:
    """Remember which model the running command is about."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_MODEL] = name


def with_model(error: UsageError, context: click.Context) -> UsageError:
    """The error of a layer or a unit that is not in the model, with what the model is and how to choose another."""
    name = context.meta.get(_MODEL)
    if name is None or not _takes_model(context):
        return error
    end = "" if str(error).endswith(("?", ".")) else "."
    if _LATENTS.search(str(error)) and not isinstance(name, WithLatents):
        own = "--sae shipped" if shipped_latents(str(name)) else "--sae FILE"
        return UsageError(f"{error}{end} Latents are layers with a sparse autoencoder alone: add {own}")
    other = "'clipdesk models' lists others" if str(name) == "ViT-B/32" else "choose another with --model ViT-B/32"
    return UsageError(f"{error}{end} The model is {short_name(name)}: {other}")


def _takes_model(context: click.Context) -> bool:
    """Whether the command that a group has run has ``--model``."""
    group = context.command
    name = context.invoked_subcommand
    command = group.get_command(context, name) if isinstance(group, click.Group) and name else None
    return command is not None and any(option.name == "model" for option in command.params)
