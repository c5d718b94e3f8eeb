"""Named settings, each with its source."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NamedTuple

from clipdesk.errors import UsageError, nearest
from clipdesk.models.names import ModelName
from clipdesk.render.settings import RenderSettings, changed


class Preset(NamedTuple):
    """Named settings.

    Attributes:
        settings: The settings.
        source: Where they come from.
        look: What their pictures look like, in a few words.
        title: Their name where it is not the one to type with a capital letter.
    """

    settings: RenderSettings
    source: str
    look: str = ""
    title: str = ""


_OWN = (
    "Fourier basis and decorrelated colours of Olah et al. 2017 (Distill), strong input noise, and the total variation "
    "of Rudin, Osher and Fatemi 1992 in proportion to the activation"
)

_PAST = "a tenth of the gradient gets past the target's rectifier here, none there (--rectifier-gradient 0)"

_OFF = {"noise": 0.0, "scale": 0.0, "rotate": 0.0, "shift": 0.0}
"""Parameters that are on by default, but in a published recipe only if it says so."""


def _own(**settings: object) -> RenderSettings:
    return RenderSettings.model_validate({"flatness": 6.0, "noise_views": "graded", **settings})


def _published(**settings: object) -> RenderSettings:
    return RenderSettings.model_validate({**_OFF, **settings})


PRESETS: dict[str, Preset] = {
    "draft": Preset(
        _own(iterations=80, learning_rate=0.1),
        f"ClipDesk's own, for a first look in seconds: {_OWN}",
        "rough, for a first look",
    ),
    "standard": Preset(
        _own(views=2), f"ClipDesk's own, a clean and a noisy view in each step: {_OWN}", "clean and smooth"
    ),
    "detailed": Preset(
        _own(views=2, flatness=0.3, frequency_decay=1.0, text_direction="own"),
        "ClipDesk's own for models that saw photographs: as standard, with a twentieth of the total variation, less of "
        f"a lean to low frequencies, and of texts what they do not share with all others: {_OWN}",
        "more detail, for models of photographs",
    ),
    "publication": Preset(
        _own(views=2, iterations=1500, image_size=512),
        f"ClipDesk's own, large and long, for print, a clean and a noisy view in each step: {_OWN}",
        "large and clean, for print",
    ),
    "lucid": Preset(
        _published(
            frequency_decay=1.0,
            iterations=512,
            learning_rate=0.05,
            schedule="constant",
            scale=0.1,
            rotate=10.0,
            shift=6 / 128,
            padding="grey",
        ),
        "lucid's render_vis (Olah et al. 2017, Distill): Fourier, Adam 0.05, 512 steps, jitter of 6 in 128 px, scale "
        "and rotation. Here the picture has the model's size, jitter and angles lie evenly, and a tenth of the "
        "gradient gets past the target's rectifier in every step; there all of it gets past each rectifier that lets "
        "none through, in the first 16",
        "crisp patterns, as in Distill",
        "lucid",
    ),
    "ghiasi": Preset(
        _published(
            parameterization="pixel",
            iterations=400,
            learning_rate=1.0,
            momentum=0.5,
            second_momentum=0.99,
            view_tv_weight=0.004,
            offset_noise=0.5,
            noise_schedule="linear",
            color_shift=1.0,
            views=8,
            shift=32 / 224,
        ),
        "Ghiasi et al. 2022 (arXiv:2212.06727), for CLIP's vision transformers: 8 views of shifted and colour-shifted "
        f"pixels, total variation; moved pictures are reflected here, rolled there; {_PAST}",
        "rich detail, for vision transformers",
        "Ghiasi et al.",
    ),
    "maco": Preset(
        _published(
            parameterization="maco",
            image_size=512,
            optimizer="nadam",
            learning_rate=1.0,
            iterations=256,
            schedule="constant",
            noise=0.04,
            uniform_noise=0.02,
            crop=0.5,
            crop_end=0.05,
            views=32,
        ),
        "MACO (Fel et al. 2023, arXiv:2306.06805) as xplique has it: NAdam 1.0, 256 steps, 512 px, 32 crops of a half "
        "to a twentieth, noise 0.08 in a range from -1 to 1, which is 0.04 of it; here the spectrum is that of drawn "
        f"scenes, and crops lie evenly; {_PAST}",
        "large, with a natural spectrum",
        "MACO",
    ),
    "direct-ascent": Preset(
        _published(
            parameterization="resolutions",
            optimizer="sgd",
            learning_rate=2.0,
            momentum=0.0,
            iterations=100,
            schedule="constant",
            uniform_noise=0.1,
            shift=56 / 224,
            views=64,
        ),
        "Direct Ascent Synthesis (Fort and Whitaker 2025, arXiv:2502.07753): a sum over resolutions, plain SGD, 100 "
        "steps, 64 views with jitter of 56 in 224 px and uniform noise 0.2 wide. The rate is 2.0, 0.2 there: here each "
        "side is the square root of two times the one before, there every side from 1 px on is summed, and a sigmoid "
        f"is half as steep as their tanh; the noise brightens nothing here; {_PAST}",
        "detail at all scales",
        "Direct Ascent",
    ),
    "classic": Preset(
        _published(
            parameterization="pixel",
            iterations=500,
            learning_rate=0.05,
            schedule="constant",
            blur_every=10,
            tv_weight=0.01,
        ),
        "CLIP Neuron Visualizer: random pixels, Adam, total variation, a periodic Gaussian blur, values clipped; "
        f"{_PAST}",
        "soft pixels",
    ),
}


def preset_title(name: str) -> str:
    """A preset's name as a person reads it; a name of the user's stays as it is."""
    return (PRESETS[name].title or name.capitalize()) if name in PRESETS else name


DEFAULT_PRESET = "standard"
"""What is measured best on models of drawn scenes (docs/quality.md), and the default where no other is."""
_OF_TRANSFORMERS, _OF_CONVOLUTIONS = "ghiasi", "detailed"
_DEFAULTS = {
    **dict.fromkeys(("ViT", "EVA", "PE-Core"), _OF_TRANSFORMERS),
    **dict.fromkeys(("photo", "RN", "convnext"), _OF_CONVOLUTIONS),
}
"""For models that saw photographs, by what is in their name: for convolutional ones what is measured best on ``photo``
(docs/quality.md); for transformers, of which none was measured on photographs, the published one."""


def default_preset(model: ModelName | None) -> str:
    """The preset to begin with for a model, in the window, the command line and Python.

    Nothing is known of a checkpoint without an architecture's name, or of a network without a name (None).
    """
    if model is None:
        return DEFAULT_PRESET
    return next((preset for kind, preset in _DEFAULTS.items() if kind in model.architecture), DEFAULT_PRESET)


NOT_RECIPE = frozenset({"seed", "precision", "device"})
"""Settings that say which picture is made and where, not how: they do not belong to a preset."""


def preset_of(
    settings: RenderSettings, presets: Mapping[str, Preset] = PRESETS, whatever: Set[str] = NOT_RECIPE
) -> str | None:
    """The preset that these settings are; None if it is none of them.

    Args:
        settings: The settings.
        presets: Presets by name.
        whatever: Settings that may differ.
    """
    left_out = set(whatever)
    wanted = settings.model_dump(exclude=left_out)
    return next((n for n, p in presets.items() if p.settings.model_dump(exclude=left_out) == wanted), None)


def make_settings(preset: str = DEFAULT_PRESET, **changes: object) -> RenderSettings:
    """The settings of a preset with some values changed.

    Raises:
        UsageError: for an unknown preset or setting, or a value out of range; names the setting and its range.
    """
    if preset not in PRESETS:
        raise UsageError(f"There is no preset '{preset}'. {nearest(preset, PRESETS)}")
    return changed(PRESETS[preset].settings, changes)
