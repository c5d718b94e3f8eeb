import json
from pathlib import Path

import numpy as np
import pytest

from clipdesk.errors import UsageError
from clipdesk.export.png import read_recipe, save_png
from clipdesk.export.recipe import MAX_CHARS, Activations, Outcome, Recipe
from clipdesk.render.presets import make_settings
from clipdesk.render.readable import Direction, ImageTarget
from clipdesk.render.targets import Combined, Term, Text, check_length
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
        "rectifier_gradient": 0.1,
        "latent_gradient": "turning",
        "text_direction": "whole",
        "patience": 0,
    }
    assert read == written.model_copy(update=off)
    assert set(off) | set(names.split()) == set(type(read).model_fields), "a new setting is off in old recipes, too"


def test_latents_from_before_their_gradient_was_a_setting_were_made_with_the_whole_one() -> None:
    old = json.loads(make_recipe().to_json())
    del old["settings"]["latent_gradient"]
    assert Recipe.from_json(json.dumps(old)).settings.latent_gradient == "turning", "it says nothing of other targets"
    old["latents"] = {"own": "a" * 64}
    assert Recipe.from_json(json.dumps(old)).settings.latent_gradient == "whole"


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


@pytest.mark.parametrize(("terms", "numbers"), [(1, 4_096), (5, 768), (1, 65_536), (24, 4_096)])
def test_a_target_of_long_directions_comes_back_from_its_picture(tmp_path: Path, terms: int, numbers: int) -> None:
    draw = np.random.default_rng(0)
    parts = [
        Term(what=Direction(layer="visual", vector=tuple(draw.normal(size=numbers)), name="a"), weight=i + 1.0)
        for i in range(terms)
    ]
    target = Combined(terms=tuple(parts))
    check_length(target)
    save_png(np.zeros((64, 64, 3), np.uint8), tmp_path / "a.png", make_recipe(target))
    assert read_recipe(tmp_path / "a.png").target == target


def test_a_target_that_is_too_long_for_a_recipe_is_refused_with_what_to_do() -> None:
    vector = tuple(np.random.default_rng(0).normal(size=65_536))
    direction = Direction(layer="visual", vector=vector, name="a")
    target = Combined(terms=tuple(Term(what=direction, weight=i + 1.0) for i in range(3)))
    with pytest.raises(UsageError, match=r"too long for the recipe in a picture\. Name fewer directions"):
        check_length(target)


def test_the_longest_target_that_is_allowed_has_a_recipe_that_can_be_read() -> None:
    path = "/" + "\x01" * 4_095
    images = [Term(what=ImageTarget(path=f"{path[:-2]}{i:02}"), weight=1.0) for i in range(64)]
    target = Combined(terms=tuple(images))
    check_length(target)
    files = dict.fromkeys((*target.files, f"{path}s", f"{path}p"), "0" * 64)
    recipe = make_recipe(target).model_copy(update={"files": files})
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_directions_are_rounded_to_float32_and_written_short() -> None:
    numbers = np.random.default_rng(0).normal(size=768) * np.logspace(-20, 20, 768)
    direction = Direction(layer="visual", vector=tuple(numbers), name="a")
    assert (np.array(direction.vector, np.float32) == numbers.astype(np.float32)).all()
    assert Direction(layer="visual", vector=direction.vector, name="a") == direction
    assert len(direction.model_dump_json()) < 17 * 768


@pytest.mark.parametrize(("vector", "complaint"), [((1e300,), "too large for float32"), ((1e-300,), "are zero")])
def test_a_direction_must_be_one_in_float32(vector: tuple[float, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Direction(layer="visual", vector=vector, name="a")


@pytest.mark.parametrize(
    ("reached", "outcome", "words"),
    [
        ((0.1, 2.0, 2.5, 2.25), Outcome.DONE, "done"),
        ((0.0, 0.0, 0.0, 0.0), Outcome.SILENT, "nothing excited it"),
        ((0.082, 0.0, 0.082, 0.0002), Outcome.WORSE, "found nothing better than noise"),
        ((-0.5, -0.9, -0.5, -0.8), Outcome.WORSE, "found nothing better than noise"),
        ((-0.9, -0.5, -0.5, -0.6), Outcome.DONE, "done"),
        # A single step under transforms says nothing yet.
        ((0.5, 0.5, 0.5, 0.4), Outcome.DONE, "done"),
    ],
)
def test_what_became_of_a_picture(reached: tuple[float, ...], outcome: Outcome, words: str) -> None:
    start, end, best, picture = reached
    activation = Activations(start=start, end=end, best=best, picture=picture)
    recipe = make_recipe().model_copy(update={"activation": activation})
    assert (recipe.outcome, recipe.outcome_in_words) == (outcome, words)
    assert recipe.outcome.useful is (outcome is Outcome.DONE)


def test_a_stopped_picture_says_where() -> None:
    recipe = make_recipe(steps=39)
    assert (recipe.outcome, recipe.outcome_in_words) == (Outcome.STOPPED, "stopped at 39")
    assert recipe.outcome.useful


def test_a_picture_that_began_as_an_image_is_compared_with_that() -> None:
    activation = Activations(start=0.5, end=0.1, best=0.5, picture=0.1)
    recipe = make_recipe(settings=make_settings(start="grey")).model_copy(update={"activation": activation})
    assert recipe.outcome_in_words == "found nothing better than its start"


def test_a_key_is_the_pictures_own_and_goes_with_it(tmp_path: Path) -> None:
    recipe = make_recipe()
    save_png(np.zeros((8, 8, 3), dtype=np.uint8), tmp_path / "x.png", recipe)
    assert read_recipe(tmp_path / "x.png").key == recipe.key
    seeded = recipe.settings.model_copy(update={"seed": 5})
    others = [
        make_recipe(Text(text="a star")),
        make_recipe(steps=3),
        make_recipe(model="demo-rn"),
        recipe.model_copy(update={"settings": seeded}),
        recipe.model_copy(update={"date": "2026-11-24T10:00:00.001+00:00"}),
        recipe.model_copy(update={"weights": "a" * 64}),
    ]
    assert len({recipe.key, *(other.key for other in others)}) == 1 + len(others)


def test_a_key_does_not_change_with_the_version() -> None:
    """Marks are found by it: whoever changes it loses everybody's marks."""
    assert make_recipe().key == "e80cf1384026e18b97d2b0ba610a24c5658709c3ee85eb1b7358a662c9184255"
    assert make_recipe().model_copy(update={"clipdesk": "9.0", "torch": "3.0"}).key == make_recipe().key
