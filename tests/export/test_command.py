import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clipdesk.cli.options import settings_from
from clipdesk.cli.rendering import render
from clipdesk.cli.working import targets_from
from clipdesk.export.command import command_of
from clipdesk.export.recipe import Recipe
from clipdesk.render.expressions import parse_target
from clipdesk.render.presets import PRESETS, make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target, Text, Unit
from tests.recipes import make_recipe

PICTURE = Path("a folder/picture.png")
LAYER = "visual.transformer.resblocks.3.mlp.gelu"


def options_of(recipe: Recipe) -> Mapping[str, Any]:
    """What the command line reads in the command of a picture."""
    program, command, *options = shlex.split(command_of(recipe, PICTURE))
    assert (program, command) == ("clipdesk", "render")
    return render.make_context("render", options).params


def settings_in(options: Mapping[str, Any]) -> RenderSettings:
    return settings_from(options["preset"], {name: options[name] for name in RenderSettings.model_fields})


def target_in(options: Mapping[str, Any]) -> tuple[Target, ...]:
    return targets_from(options["layer"], options["neuron"], options["text"], options["target"])


@pytest.mark.parametrize("preset", PRESETS)
def test_the_settings_are_those_of_the_picture(preset: str) -> None:
    settings = make_settings(preset, seed=7, precision="float32", noise=0.125)
    assert settings_in(options_of(make_recipe(settings=settings))) == settings


@pytest.mark.parametrize(
    "target",
    [
        Unit(layer=LAYER, index=5),
        Text(text='a red star\'s "tip"'),
        Text(text="--seed"),
        Text(text=f"{LAYER}:5"),
        parse_target(f"-{LAYER}:5"),
        parse_target(f'"a star" - 0.5*"a circle" + {LAYER}:5@max'),
        parse_target(f"others({LAYER}:5)"),
    ],
)
def test_the_target_is_that_of_the_picture(target: Target) -> None:
    options = options_of(make_recipe(target, model="my model.pt"))
    assert (target_in(options), options["model"]) == ((target,), "my model.pt")


def test_only_what_differs_from_the_preset_is_said() -> None:
    recipe = make_recipe(Unit(layer="visual.conv1", index=4), make_settings("draft", seed=7))
    wanted = "clipdesk render --model demo --layer visual.conv1 --neuron 4 --preset draft --seed 7"
    assert command_of(recipe, PICTURE) == wanted


def test_what_options_cannot_say_is_taken_from_the_file() -> None:
    target = parse_target('0.1234567891*"a star" - "a circle"')
    assert command_of(make_recipe(target), PICTURE) == "clipdesk render --from 'a folder/picture.png'"
