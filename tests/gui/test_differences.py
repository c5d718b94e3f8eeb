"""Captions of two pictures that are compared say what differs, and nothing else."""

from clipdesk.gui.differences import captions
from clipdesk.gui.tracks import Track
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Text, Unit
from tests.recipes import make_recipe

LAYER = "visual.transformer.resblocks.3.mlp.gelu"


def done(
    settings: RenderSettings | None = None, index: int = 5, model: str = "demo", steps: int | None = None
) -> Track:
    recipe = make_recipe(Unit(layer=LAYER, index=index), settings or make_settings(), model, steps)
    return Track(recipe.target, str(index), recipe=recipe, model=model)


def test_two_units_of_one_run_differ_in_their_names_only() -> None:
    assert captions([done(index=5), done(index=6)]) == ["3.mlp.gelu:5", "3.mlp.gelu:6"]


def test_seed_steps_and_preset_are_named_where_they_differ() -> None:
    first, second = make_settings(seed=0), make_settings("draft", seed=7)
    mine, yours = captions([done(first), done(second, steps=60)])
    assert mine == f"3.mlp.gelu:5 · seed 0 · {first.iterations} steps · Standard"
    assert yours == "3.mlp.gelu:5 · seed 7 · 60 steps · Draft"


def test_a_preset_with_fewer_steps_is_still_that_preset() -> None:
    mine, yours = captions([done(), done(make_settings("draft", iterations=33))])
    assert yours == "3.mlp.gelu:5 · 33 steps · Draft"
    assert mine.endswith(" steps · Standard")


def test_settings_of_ones_own_are_named_one_by_one() -> None:
    first, second = make_settings(), make_settings(noise=0.5, image_size=96)
    mine, yours = captions([done(first), done(second)])
    assert mine == f"3.mlp.gelu:5 · Standard · image size model's · noise {first.noise}"
    assert yours == "3.mlp.gelu:5 · Own settings · image size 96 · noise 0.5"


def test_at_most_three_settings_are_named() -> None:
    many = make_settings(noise=0.5, image_size=96, learning_rate=0.33, views=3, frequency_decay=2.5)
    mine, _ = captions([done(), done(many)])
    assert mine.count(" · ") == 4


def test_models_are_named_where_they_differ() -> None:
    assert captions([done(model="demo"), done(model="demo-rn")]) == ["3.mlp.gelu:5 · demo", "3.mlp.gelu:5 · demo-rn"]
    assert captions([done(model="demo"), done(model="open_clip:nonsense")])[1] == "3.mlp.gelu:5 · open_clip:nonsense"


def test_a_picture_under_way_is_told_by_the_settings_of_its_job() -> None:
    track = Track(Text(text="a star"), '"a star"', settings=make_settings(seed=3), model="demo")
    for _ in range(4):
        track.curve.append(1.0)
    first, second = captions([done(make_settings(seed=1), steps=9), track])
    assert first == "3.mlp.gelu:5 · seed 1 · 9 steps"
    assert second == f"{track.target.label} · seed 3 · 4 steps"


def test_any_number_of_pictures_is_told_apart() -> None:
    three = [done(make_settings(seed=seed)) for seed in (1, 2, 2)]
    assert captions(three) == ["3.mlp.gelu:5 · seed 1", "3.mlp.gelu:5 · seed 2", "3.mlp.gelu:5 · seed 2"]
