import json

import pytest

from clipdesk.errors import UsageError
from clipdesk.export.recipe import MAX_CHARS, Recipe
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text
from tests.recipes import make_recipe


def test_a_recipe_round_trips() -> None:
    recipe = make_recipe(Text(text="ein Stern \u2605"), make_settings("classic", seed=3))
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_a_stopped_picture_is_not_complete() -> None:
    assert make_recipe().complete
    assert not make_recipe(steps=3).complete


def test_a_recipe_without_the_newest_settings_still_gives_the_same_picture() -> None:
    """Settings that it does not know are off, whatever the presets are by now."""
    names = (
        "parameterization frequency_decay image_size seed iterations learning_rate optimizer momentum schedule "
        "blur_every blur_sigma tv_weight view_tv_weight noise offset_noise noise_schedule color_shift views scale "
        "rotate shift padding precision device"
    )
    written = make_settings("standard", iterations=500)
    old = json.loads(make_recipe(settings=written).to_json())
    old["settings"] = {name: value for name, value in old["settings"].items() if name in names.split()}
    del old["files"]
    read = Recipe.from_json(json.dumps(old)).settings
    off: dict[str, object] = {
        "flatness": 0,
        "l2_weight": 0,
        "detail_weight": 0,
        "uniform_noise": 0,
        "noise_views": "alike",
        "crop": None,
        "crop_end": None,
    }
    off |= {
        "grid": 1,
        "diversity": 0,
        "start": "noise",
        "spectrum": "scenes",
        "stages": 1,
        "transparency": "none",
        "second_momentum": 0.999,
    }
    assert read == written.model_copy(update=off)
    assert set(off) | set(names.split()) == set(type(read).model_fields), "a new setting is off in old recipes, too"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"version": 7}, "by a newer ClipDesk \\(format version 7"),
        ({"extra": 1}, "extra"),
        ({"settings": [1]}, "settings"),
        ({"target": {"kind": "odd"}}, "target"),
        ({"steps": "many"}, "steps"),
        ({"weights": "../../etc"}, "weights"),
        ({"seconds": "NaN"}, "seconds"),
        ({"model": ""}, "model"),
    ],
)
def test_an_invalid_recipe_is_refused(change: dict[str, object], complaint: str) -> None:
    text = json.dumps({**json.loads(make_recipe().to_json()), **change})
    with pytest.raises(UsageError, match=complaint):
        Recipe.from_json(text)


@pytest.mark.parametrize("text", ["", "null", "[" * 60_000, '{"version": 1', "\ud800"])
def test_text_that_is_not_a_recipe_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="recipe cannot be read"):
        Recipe.from_json(text)


def test_an_invalid_recipe_is_explained_on_one_line() -> None:
    text = json.dumps({**json.loads(make_recipe().to_json()), "\x1b[2J\n" + "[" * 3_000: 1})
    with pytest.raises(UsageError, match="recipe cannot be read") as refused:
        Recipe.from_json(text)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_a_text_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(UsageError, match="longer than any"):
        Recipe.from_json(" " * (MAX_CHARS + 1))
