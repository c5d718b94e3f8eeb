import pytest
from pydantic import ValidationError

from clipdesk.errors import UsageError
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import COSTLY, RenderSettings, knob, limits, of_latents


@pytest.mark.parametrize("name", RenderSettings.model_fields)
def test_every_setting_has_a_label_and_a_help_text(name: str) -> None:
    assert knob(name).label
    assert RenderSettings.model_fields[name].description


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("iterations", 1, 5000), ("image_size", 64, 2048), ("blur_every", 0, 50), ("noise", 0, 1)],
)
def test_the_ranges(name: str, low: float, high: float) -> None:
    assert limits(name) == (low, high)
    for value in (low, high):
        assert getattr(make_settings("standard", **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(UsageError, match=f"^{name} must be from {low} to {high}.*, not {value}$"):
            make_settings("standard", **{name: value})


def test_the_message_for_a_wrong_choice() -> None:
    with pytest.raises(UsageError, match="precision must be auto or float32 or bfloat16, not 'float8'"):
        make_settings(precision="float8")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        RenderSettings().noise = 0.5  # type: ignore[misc]


def test_every_setting_stands_in_a_group_and_sliders_stay_within_the_limits() -> None:
    for name in RenderSettings.model_fields:
        assert knob(name).group
        bounds, usual = limits(name), knob(name).usual
        if usual is not None and bounds is not None:
            assert bounds[0] <= usual[0] < usual[1] <= bounds[1]
            assert usual[0] > 0 or not knob(name).log


def test_what_decides_the_cost_is_a_setting() -> None:
    assert set(COSTLY) <= set(RenderSettings.model_fields)
    assert "views" in COSTLY


def test_settings_of_latents_that_do_not_say_their_gradient_had_the_whole_one() -> None:
    assert of_latents(RenderSettings()).latent_gradient == "whole"
    said = RenderSettings(latent_gradient="turning")
    assert of_latents(said) is said
