import pytest

from clipdesk.errors import UsageError
from clipdesk.models.names import parse_name
from clipdesk.render.presets import PRESETS, default_preset, make_settings, preset_of
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


@pytest.mark.parametrize(
    ("model", "preset"),
    [
        ("demo", "standard"),
        ("demo-rn", "standard"),
        ("photo", "detailed"),
        ("photo-small", "detailed"),
        ("ViT-L/14@336px", "ghiasi"),
        ("RN50x4", "detailed"),
        ("RNA.pt", "standard"),
    ],
)
def test_the_default_is_what_is_known_to_suit_the_model(model: str, preset: str) -> None:
    assert default_preset(parse_name(model)) == preset


def test_published_presets_have_the_published_numbers() -> None:
    """From the papers and tools, by way of the tools' own code."""
    ghiasi = PRESETS["ghiasi"].settings
    assert (ghiasi.iterations, ghiasi.learning_rate, ghiasi.momentum, ghiasi.second_momentum) == (400, 1.0, 0.5, 0.99)
    assert (ghiasi.views, ghiasi.color_shift, ghiasi.offset_noise, ghiasi.schedule) == (8, 1.0, 0.5, "cosine")
    assert ghiasi.shift == 32 / 224
    assert ghiasi.view_tv_weight == pytest.approx(8 * 0.0005), "their activation counts for an eighth"
    lucid = PRESETS["lucid"].settings
    assert (lucid.iterations, lucid.learning_rate, lucid.frequency_decay, lucid.rotate) == (512, 0.05, 1.0, 10)
    assert (lucid.scale, lucid.shift) == (0.1, (8 / 2 + 4 / 2) / 128), "crops that leave out 8 and then 4 pixels"
    maco = PRESETS["maco"].settings
    rate = ("nadam", 1, 256, 512, 32)
    assert (maco.optimizer, maco.learning_rate, maco.iterations, maco.image_size, maco.views) == rate
    wide = 1 - -1  # xplique's values_range
    assert (maco.crop, maco.crop_end, maco.noise, maco.uniform_noise) == (0.5, 0.05, 0.08 / wide, 0.08 / 2 / wide)
    ascent = PRESETS["direct-ascent"].settings
    assert (ascent.optimizer, ascent.momentum, ascent.iterations, ascent.views) == ("sgd", 0, 100, 64)
    assert (ascent.noise, ascent.uniform_noise, ascent.shift) == (0, 0.2 / 2, 56 / 224)


@pytest.mark.parametrize("name", ["ghiasi", "maco", "direct-ascent", "classic"])
def test_published_presets_have_almost_nothing_of_clipdesks_own(name: str) -> None:
    assert PRESETS[name].settings.flatness == 0
    assert "none there (--rectifier-gradient 0)" in PRESETS[name].source, "but for this, which is said"


def test_recipes_from_before_the_gradient_past_rectifiers_was_a_setting_have_it() -> None:
    old = {name: value for name, value in PRESETS["ghiasi"].settings.model_dump().items() if "rectifier" not in name}
    assert RenderSettings.model_validate(old).rectifier_gradient == 0.1
    assert PRESETS["standard"].settings.rectifier_gradient == PRESETS["lucid"].settings.rectifier_gradient == 0.1
