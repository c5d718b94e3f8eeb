"""RenderSettings: every parameter of a render, defined once.

The command line's options, the window's parameter panel, recipes and validation are all built from this model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from clipdesk.errors import UsageError, nearest
from clipdesk.files import is_unicode

MAX_SEED = 2**31 - 1
_LONGEST_PATH = 4096


PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.tif *.tiff)"
_PICTURE, _ASCENT, _SMOOTHING = "Picture", "Ascent", "Smoothing"
_ROBUSTNESS, _MACHINE = "Random changes of each step's input", "Machine"

# The tool that ClipDesk replaces used these names.
_SHORT_OPTIONS = {"image_size": "size", "learning_rate": "lr"}


class Knob(NamedTuple):
    """How a parameter is shown to users.

    Attributes:
        label: Short name.
        group: The heading that it is listed under.
        unit: Unit of its values; a leading ``±`` says that it goes either way.
        step: Step of a spin box; 0 if the parameter is not a number.
        usual: The range of a slider, if it is narrower than the allowed range.
        log: Whether the slider is logarithmic.
        unset: The text that is shown while an optional number is not set.
        choices: The words that a text may be.
        files: The files that it may name instead, as a filter for file dialogs; empty if it may not name a file.
    """

    label: str
    group: str
    unit: str = ""
    step: float = 0
    usual: tuple[float, float] | None = None
    log: bool = False
    unset: str = ""
    choices: tuple[str, ...] = ()
    files: str = ""


class RenderSettings(BaseModel):
    """How to render. Immutable. ClipDesk's own recipe is the preset ``standard``.

    A parameter that is added later needs a default that changes nothing: recipes, jobs and users' presets that were
    written before it existed are read with that default, and must still give the same pictures.

    Raises:
        pydantic.ValidationError: for a value out of range; `make_settings` turns it into a `UsageError`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameterization: Annotated[Literal["fourier", "pixel", "maco", "resolutions"], Knob("Image as", _PICTURE)] = Field(
        "fourier",
        description="what is optimised: Fourier coefficients with decorrelated colours, the pixels themselves, "
        "the phases of a fixed spectrum (maco), or a sum of pictures from coarse to fine",
    )
    frequency_decay: Annotated[float, Knob("Frequency decay", _PICTURE, "", 0.1)] = Field(
        1.5, ge=0.0, le=3.0, description="how much Fourier prefers low frequencies; more gives larger, smoother forms"
    )
    image_size: Annotated[int | None, Knob("Image size", _PICTURE, "px", 32, unset="model's")] = Field(
        None, ge=64, le=2048, description="side of the picture; empty: the model's own input size"
    )
    start: Annotated[str, Knob("Start", _PICTURE, choices=("noise", "grey"), files=PICTURES)] = Field(
        "noise", description="what the picture begins as: noise, grey, or a picture of yours"
    )
    spectrum: Annotated[str, Knob("Spectrum", _PICTURE, choices=("scenes",), files="Spectra (*.npy)")] = Field(
        "scenes",
        description="the fixed spectrum of maco: that of drawn scenes, or a file that clipdesk spectrum made of "
        "pictures of yours",
    )
    stages: Annotated[int, Knob("Stages", _PICTURE, "", 1)] = Field(
        1,
        ge=1,
        le=5,
        description="sizes that the picture goes through, each double the one before; 1: full from the start",
    )
    grid: Annotated[int, Knob("Variants in a row", _PICTURE, "", 1)] = Field(
        1,
        ge=1,
        le=3,
        description="1: one picture; 2 or 3: four or nine of the same target in one, each from a start of its own",
    )
    diversity: Annotated[float, Knob("Diversity", _PICTURE, "", 0.1, (0.0, 2.0))] = Field(
        0.0,
        ge=0.0,
        le=100.0,
        description="how much the variants of a picture are to differ for the network, in shares of the activation",
    )
    transparency: Annotated[Literal["none", "gradients"], Knob("Transparency", _PICTURE)] = Field(
        "none", description="saved pictures are opaque, or clear where the network never looked (gradients)"
    )
    seed: Annotated[int, Knob("Seed", _PICTURE, "", 1, (0, 999))] = Field(
        0, ge=0, le=MAX_SEED, description="seed of all random numbers; the same seed gives the same picture"
    )
    iterations: Annotated[int, Knob("Iterations", _ASCENT, "steps", 50, (100, 5000), log=True)] = Field(
        250, ge=1, le=5000, description="optimisation steps; more is better but slower"
    )
    patience: Annotated[int, Knob("Stop when steady", _ASCENT, "steps", 5, (0, 100))] = Field(
        0,
        ge=0,
        le=1000,
        description="a picture ends early once its mean activation over so many steps is less than 1 % above that of "
        "as many before; 0: it takes all steps",
    )
    learning_rate: Annotated[float, Knob("Learning rate", _ASCENT, "", 0.005, (0.001, 0.1), log=True)] = Field(
        0.04, ge=0.0001, le=2.0, description="step size of the optimiser"
    )
    optimizer: Annotated[Literal["adam", "nadam", "sgd"], Knob("Optimiser", _ASCENT)] = Field(
        "adam",
        description="Adam adapts the step to each coefficient, NAdam looks ahead too; SGD follows the plain gradient",
    )
    momentum: Annotated[float, Knob("Momentum", _ASCENT, "", 0.05)] = Field(
        0.9, ge=0.0, le=0.99, description="how much of the steps before is kept: SGD's momentum, Adam's first beta"
    )
    second_momentum: Annotated[float, Knob("Second momentum", _ASCENT, "", 0.001, (0.9, 0.999))] = Field(
        0.999, ge=0.5, le=0.9999, description="Adam's second beta: how long it remembers how large the steps were"
    )
    rectifier_gradient: Annotated[float, Knob("Past rectifiers", _ASCENT, "", 0.05)] = Field(
        0.1,
        ge=0.0,
        le=1.0,
        description="share of the gradient that also gets past the rectifier in which the target's layer ends, so that "
        "a unit which is off can be switched on; 0: none, as the network has it",
    )
    latent_gradient: Annotated[Literal["turning", "whole"], Knob("Gradient of latents", _ASCENT)] = Field(
        "turning",
        description="of a latent's pre-activation: what turns the layer's activations towards the latent, or the whole "
        "gradient, which also makes them longer",
    )
    text_direction: Annotated[Literal["whole", "own"], Knob("Direction of texts", _ASCENT)] = Field(
        "whole",
        description="of a text: where its embedding points, or what is its own in that, without what all texts share",
    )
    schedule: Annotated[Literal["constant", "cosine"], Knob("Schedule", _ASCENT)] = Field(
        "cosine", description="the learning rate stays, or falls to zero along a cosine, which calms the picture"
    )
    blur_every: Annotated[int, Knob("Blur every", _SMOOTHING, "steps", 1)] = Field(
        0, ge=0, le=50, description="Gaussian blur of the picture every so many steps; 0: never"
    )
    blur_sigma: Annotated[float, Knob("Blur radius", _SMOOTHING, "px", 0.1)] = Field(
        0.5, ge=0.1, le=5.0, description="standard deviation of that blur"
    )
    tv_weight: Annotated[float, Knob("Total variation", _SMOOTHING, "", 0.005, (0.0, 0.05))] = Field(
        0.0, ge=0.0, le=10.0, description="weight of the total variation, which smooths the picture"
    )
    view_tv_weight: Annotated[float, Knob("Variation of views", _SMOOTHING, "", 0.001, (0.0, 0.02))] = Field(
        0.0, ge=0.0, le=10.0, description="weight of the total variation of what the network sees, diagonals included"
    )
    flatness: Annotated[float, Knob("Flatness", _SMOOTHING, "", 1, (0.0, 40.0))] = Field(
        0.0,
        ge=0.0,
        le=1000.0,
        description="how much even areas with few sharp edges count, in shares of the activation, whatever its size",
    )
    l2_weight: Annotated[float, Knob("Distance from grey", _SMOOTHING, "", 0.001, (0.0, 0.05))] = Field(
        0.0, ge=0.0, le=10.0, description="weight of the L2 norm of the picture's distance from grey, which dims it"
    )
    detail_weight: Annotated[float, Knob("Fine detail", _SMOOTHING, "", 0.001, (0.0, 0.05))] = Field(
        0.0, ge=0.0, le=10.0, description="weight of the L2 norm of what a blur takes away: high frequencies"
    )
    noise: Annotated[float, Knob("Noise", _ROBUSTNESS, "of range", 0.05)] = Field(
        0.3, ge=0.0, le=1.0, description="fresh Gaussian noise on each step's input, as a share of the pixel range"
    )
    uniform_noise: Annotated[float, Knob("Uniform noise", _ROBUSTNESS, "± of range", 0.01)] = Field(
        0.0, ge=0.0, le=1.0, description="fresh uniform noise on each step's input, either way"
    )
    offset_noise: Annotated[float, Knob("Offset noise", _ROBUSTNESS, "of range", 0.05)] = Field(
        0.0, ge=0.0, le=1.0, description="fresh Gaussian noise that is the same for all pixels of a colour"
    )
    noise_schedule: Annotated[Literal["constant", "linear"], Knob("Noise schedule", _ROBUSTNESS)] = Field(
        "constant", description="all noises stay, or fall to zero over the render"
    )
    noise_views: Annotated[Literal["alike", "graded"], Knob("Noise of views", _ROBUSTNESS)] = Field(
        "alike",
        description="all views of a step are as noisy, or graded from a clean first to a noisy last one; "
        "a single view has all the noise",
    )
    color_shift: Annotated[float, Knob("Colour shift", _ROBUSTNESS, "±", 0.1)] = Field(
        0.0, ge=0.0, le=1.0, description="random brightness and contrast of each colour, either way"
    )
    views: Annotated[int, Knob("Views", _ROBUSTNESS, "", 1, (1, 16))] = Field(
        1,
        ge=1,
        le=64,
        description="how many differently changed copies each step looks at; more is steadier but slower",
    )
    scale: Annotated[float, Knob("Scale", _ROBUSTNESS, "±", 0.05)] = Field(
        0.3, ge=0.0, le=0.5, description="random zoom of each step's input, either way"
    )
    rotate: Annotated[float, Knob("Rotate", _ROBUSTNESS, "±°", 1, (0.0, 45.0))] = Field(
        15.0, ge=0.0, le=180.0, description="random turn of each step's input, either way"
    )
    shift: Annotated[float, Knob("Shift", _ROBUSTNESS, "± of side", 0.01)] = Field(
        0.12, ge=0.0, le=0.5, description="random shift of each step's input, either way"
    )
    crop: Annotated[float | None, Knob("Crop", _ROBUSTNESS, "of side", 0.05, unset="by size")] = Field(
        None,
        ge=0.05,
        le=1.0,
        description="side of the random crop that a view sees, as a share of the picture's; empty: from all of it down "
        "to the model's input size",
    )
    crop_end: Annotated[float | None, Knob("Crop at the end", _ROBUSTNESS, "of side", 0.05, unset="as before")] = Field(
        None, ge=0.05, le=1.0, description="the same at the last step, between which it changes evenly; empty: as Crop"
    )
    padding: Annotated[Literal["reflection", "grey"], Knob("Padding", _ROBUSTNESS)] = Field(
        "reflection", description="what stands beyond the picture's edge where it is moved or turned"
    )
    precision: Annotated[Literal["auto", "float32", "bfloat16"], Knob("Precision", _MACHINE)] = Field(
        "auto",
        description="number format inside the network; bfloat16 is faster and a little less exact; auto: where the "
        "pictures stay the same and the device is fast at it",
    )
    device: Annotated[str, Knob("Device", _MACHINE)] = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="auto (a GPU if there is one), cpu, cuda, cuda:1, mps",
    )

    @field_validator("start", "spectrum")
    @classmethod
    def _found_from_anywhere(cls, value: str, info: ValidationInfo) -> str:
        """Make the path of a file absolute, since a queue may be run from another folder."""
        if value in knob(info.field_name or "").choices:
            return value
        if not value.strip() or len(value) > _LONGEST_PATH or "\0" in value:
            raise ValueError("it does not name a file")
        whole = str(Path(value).absolute())
        if not is_unicode(whole):
            # Recipes and the queue could not name it.
            raise ValueError("its name or that of its folder is not Unicode (UTF-8). Rename it")
        return whole

    @property
    def own_texts(self) -> bool:
        """Whether a text is what is its own; see `text_direction`."""
        return self.text_direction == "own"

    @property
    def files(self) -> tuple[str, ...]:
        """The files that a picture depends on."""
        return tuple(
            value for name in ("start", "spectrum") if (value := getattr(self, name)) not in knob(name).choices
        )


COSTLY = ("image_size", "grid", "diversity", "parameterization", "views", "crop", "crop_end", "precision", "device")
"""Parameters that decide how much time and memory a step takes."""


def knob(name: str) -> Knob:
    """The `Knob` of a parameter."""
    return next(m for m in RenderSettings.model_fields[name].metadata if isinstance(m, Knob))


def limits(name: str) -> tuple[float, float] | None:
    """Smallest and largest value of a numeric parameter; None for other parameters."""
    found = {
        key: getattr(m, key)
        for m in RenderSettings.model_fields[name].metadata
        for key in ("ge", "le")
        if hasattr(m, key)
    }
    return (found["ge"], found["le"]) if found else None


def option_name(setting: str) -> str:
    """The name of a setting's option on the command line."""
    return f"--{_SHORT_OPTIONS.get(setting, setting).replace('_', '-')}"


def changed(settings: RenderSettings, changes: Mapping[str, Any]) -> RenderSettings:
    """Settings with some values changed.

    Raises:
        UsageError: for an unknown parameter, or a value out of range; names the parameter and its range.
    """
    try:
        return RenderSettings.model_validate({**settings.model_dump(), **changes})
    except ValidationError as error:
        raise UsageError("; ".join(_complaint(details) for details in error.errors())) from None


def says_latent_gradient(settings: RenderSettings) -> bool:
    """Whether they were written by a version that has the setting `latent_gradient`."""
    return "latent_gradient" in settings.model_fields_set


def of_latents(settings: RenderSettings) -> RenderSettings:
    """Settings that were read and are for latents: versions without `latent_gradient` had the whole gradient."""
    if says_latent_gradient(settings):
        return settings
    return settings.model_copy(update={"latent_gradient": "whole"})


def _complaint(details: Mapping[str, Any]) -> str:
    reason = str(details["msg"]).removeprefix("Value error, ")
    name = str(details["loc"][0])
    if details["type"] == "string_unicode":
        return f"{name}: it is not Unicode (UTF-8)"
    if details["type"] == "value_error":
        return f"{name}: {reason}"
    if name not in RenderSettings.model_fields:
        return f"There is no setting '{name}'. {nearest(name, RenderSettings.model_fields)}"
    bounds, unit = limits(name), knob(name).unit
    value = details["input"]
    if bounds is not None:
        of_unit = f" {unit}" if unit in ("steps", "px") else ""
        return f"{name} must be from {bounds[0]:g} to {bounds[1]:g}{of_unit}, not {value}"
    choices = getattr(RenderSettings.model_fields[name].annotation, "__args__", None)
    wanted = " or ".join(choices) if choices else RenderSettings.model_fields[name].description
    return f"{name} must be {wanted}, not {value!r}"
