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


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"version": 7}, "of a newer ClipDesk \\(version 7"),
        ({"extra": 1}, "extra"),
        ({"settings": [1]}, "settings"),
        ({"target": {"kind": "odd"}}, "target"),
        ({"steps": "many"}, "steps"),
        ({"weights": "../../etc"}, "weights"),
        ({"seconds": "NaN"}, "seconds"),
        ({"model": ""}, "model"),
    ],
)
def test_what_is_no_recipe_is_refused(change: dict[str, object], complaint: str) -> None:
    text = json.dumps({**json.loads(make_recipe().to_json()), **change})
    with pytest.raises(UsageError, match=complaint):
        Recipe.from_json(text)


@pytest.mark.parametrize("text", ["", "null", "[" * 60_000, '{"version": 1', "\ud800"])
def test_text_that_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="recipe cannot be read"):
        Recipe.from_json(text)


def test_a_text_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(UsageError, match="longer than any"):
        Recipe.from_json(" " * (MAX_CHARS + 1))
