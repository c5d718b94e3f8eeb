"""The command that renders a picture again."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from clipdesk.errors import ClipDeskError
from clipdesk.export.recipe import Recipe
from clipdesk.render.expressions import parse_target
from clipdesk.render.presets import PRESETS
from clipdesk.render.settings import RenderSettings, option_name
from clipdesk.render.targets import Target, Text, Unit
from clipdesk.render.typed import read_text


def command_of(recipe: Recipe, path: Path) -> str:
    """The line for a terminal that makes a picture again.

    It names model, target, preset and the settings that differ from the preset's, so that it can be read, changed and
    sent to others. What options cannot say is taken from the picture's file.

    Args:
        recipe: How the picture was made.
        path: Its file.
    """
    target, settings = _target_options(recipe.target), _settings_options(recipe.settings)
    if target is None or settings is None:
        return _line(["--from", str(path)])
    return _line(["--model", recipe.model, *target, *settings])


def render_command(model: str, layer: str, unit: int) -> str:
    """The line for a terminal that renders a unit, with the usual settings."""
    return _line(["--model", model, "--layer", layer, "--neuron", str(unit)])


def _line(options: list[str]) -> str:
    return shlex.join(["clipdesk", "render", *options])


def _target_options(target: Target) -> list[str] | None:
    """The options for a target; None if there are none that mean the same."""
    if type(target) is Unit:
        return ["--layer", target.layer, "--neuron", str(target.index)]
    if isinstance(target, Text):
        # In quotes it is a text, whatever it looks like.
        written = next((text for text in (target.text, target.label) if _means(read_text, text, target)), None)
        return None if written is None else [f"--text={written}"]
    return [f"--target={target.label}"] if _means(parse_target, target.label, target) else None


def _means(read: Callable[[str], Target], text: str, target: Target) -> bool:
    try:
        return read(text) == target
    except ClipDeskError:
        return False


def _settings_options(settings: RenderSettings) -> list[str] | None:
    """The preset to which the fewest options have to be added, and these options; None if there is none."""
    found = []
    for name, preset in PRESETS.items():
        differing = _differences(settings, preset.settings)
        if None not in differing.values():
            options = [text for setting, value in differing.items() for text in (option_name(setting), str(value))]
            found.append(["--preset", name, *options])
    return min(found, key=len, default=None)


def _differences(settings: RenderSettings, base: RenderSettings) -> dict[str, object]:
    """The settings that are not those of a base; the device does not change what is rendered."""
    wanted, usual = settings.model_dump(exclude={"device"}), base.model_dump(exclude={"device"})
    return {name: value for name, value in wanted.items() if value != usual[name]}
