"""Command-line options for the render settings, built from RenderSettings."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from clipdesk.render.presets import DEFAULT_PRESET, PRESETS, make_settings
from clipdesk.render.settings import RenderSettings, knob, limits, option_name

_Function = TypeVar("_Function", bound=Callable[..., Any])

FOLDER = "generated_images"
"""Where pictures go by default."""


def settings_options(function: _Function) -> _Function:
    """Add ``--preset`` and an option for every setting; each is a keyword argument, None if not given."""
    for name in reversed(RenderSettings.model_fields):
        function = click.option(option_name(name), name, type=_type(name), default=None, help=_help(name))(function)
    # The window shows presets with a capital letter.
    presets = click.Choice(list(PRESETS), case_sensitive=False)
    return click.option(
        "--preset",
        type=presets,
        help=f"Settings to start from.  [default: {DEFAULT_PRESET}; others for models that saw photographs]",
    )(function)


def settings_from(preset: str, changes: Mapping[str, object]) -> RenderSettings:
    """Make settings from the options.

    Raises:
        UsageError: a value is out of range.
    """
    return make_settings(preset, **given(changes))


def given(changes: Mapping[str, object]) -> dict[str, object]:
    """The options that were given."""
    return {name: value for name, value in changes.items() if value is not None}


def was_given(option: str) -> bool:
    """True if the user gave this option to the running command, even with its default value."""
    source = click.get_current_context().get_parameter_source(option)
    return source not in (None, click.core.ParameterSource.DEFAULT)


def _type(name: str) -> click.ParamType[Any] | type:
    annotation = RenderSettings.model_fields[name].annotation
    if get_origin(annotation) is Literal:
        return click.Choice([str(choice) for choice in get_args(annotation)])
    if isinstance(annotation, types.UnionType):
        annotation = next(t for t in get_args(annotation) if t is not type(None))
    return annotation if isinstance(annotation, type) else str


def _help(name: str) -> str:
    field, bounds, unit = RenderSettings.model_fields[name], limits(name), knob(name).unit
    description, usual = f"{(field.description or '').capitalize()}.", getattr(PRESETS[DEFAULT_PRESET].settings, name)
    if bounds is None:
        return f"{description} [default: {usual}]"
    default = knob(name).unset if usual is None else f"{usual:g}"
    return f"{description} [{bounds[0]:g} to {bounds[1]:g}{f' {unit}' if unit else ''}; default: {default}]"


WORKER_PLACES = "local:4 for 4 on this computer, ray, or ray:HOST:PORT"
PLACES = "here, local:4 for 4 workers on this computer, spool:FOLDER, slurm:jobs=8, ray, ray:HOST:PORT, or ray:http://HOST:8265"


def on_option(function: _Function) -> _Function:
    """``--on``: where the work is done."""
    return click.option(
        "--on",
        "place",
        metavar="PLACE",
        help=f"Where the work is done: {PLACES}.  [default: a worker for each GPU if there are several, else here]",
    )(function)
