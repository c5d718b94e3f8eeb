import pytest

from clipdesk.errors import UsageError
from clipdesk.render.presets import PRESETS, make_settings, preset_of
from clipdesk.render.settings import RenderSettings


def test_unknown_presets_and_settings_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean classic"):
        make_settings("clasic")
    with pytest.raises(UsageError, match=r"no setting 'nois'\. Did you mean noise"):
        make_settings(nois=1)


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
