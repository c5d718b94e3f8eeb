import pytest
from pydantic import ValidationError

from clipdesk.errors import UsageError
from clipdesk.render.settings import PRESETS, RenderSettings, knob, limits, make_settings, preset_of


@pytest.mark.parametrize("name", RenderSettings.model_fields)
def test_every_setting_has_a_label_and_a_help_text(name: str) -> None:
    assert knob(name).label
    assert RenderSettings.model_fields[name].description


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("iterations", 1, 5000), ("image_size", 64, 512), ("blur_every", 0, 50), ("noise", 0, 1)],
)
def test_the_ranges(name: str, low: float, high: float) -> None:
    assert limits(name) == (low, high)
    for value in (low, high):
        assert getattr(make_settings("standard", **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(UsageError, match=f"^{name} must be from {low} to {high}.*, not {value}$"):
            make_settings("standard", **{name: value})


def test_the_message_for_a_wrong_choice() -> None:
    with pytest.raises(UsageError, match="precision must be float32 or bfloat16, not 'float8'"):
        make_settings(precision="float8")


def test_unknown_presets_and_settings_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean classic"):
        make_settings("clasic")
    with pytest.raises(UsageError, match=r"no setting 'nois'\. Did you mean noise"):
        make_settings(nois=1)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        RenderSettings().noise = 0.5  # type: ignore[misc]


@pytest.mark.parametrize("preset", PRESETS)
def test_settings_round_trip_through_json(preset: str) -> None:
    settings = make_settings(preset, seed=5)
    assert RenderSettings.model_validate_json(settings.model_dump_json()) == settings


def test_the_classic_preset_is_the_classic_recipe() -> None:
    classic = PRESETS["classic"].settings
    assert classic.parameterization == "pixel"
    assert classic.tv_weight > 0
    assert classic.blur_every > 0
    assert classic.noise == classic.scale == classic.rotate == classic.shift == 0


def test_a_preset_is_recognised_whatever_its_seed() -> None:
    assert preset_of(make_settings("draft", seed=9, device="cpu")) == "draft"
    assert preset_of(make_settings("draft", noise=0.9)) is None


def test_every_setting_stands_in_a_group_and_sliders_stay_within_the_limits() -> None:
    for name in RenderSettings.model_fields:
        assert knob(name).group
        bounds, usual = limits(name), knob(name).usual
        if usual is not None and bounds is not None:
            assert bounds[0] <= usual[0] < usual[1] <= bounds[1]
            assert usual[0] > 0 or not knob(name).log
