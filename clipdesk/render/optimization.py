"""Optimization: a batch of pictures on its way, step by step."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import Self

from clipdesk.network.capture import LayerCapture
from clipdesk.network.faults import explained
from clipdesk.network.inspector import input_side
from clipdesk.network.layers import LayerInfo
from clipdesk.network.normalization import constants, normalization_of
from clipdesk.network.precision import precision_of
from clipdesk.render.custom import CustomParts, check_shape
from clipdesk.render.graphs import RepeatedStep, repeats_steps
from clipdesk.render.grids import Likeness, tiled
from clipdesk.render.penalties import penalties_of
from clipdesk.render.schedule import StepParameters, step_parameters
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.start import make_image, make_noise, sizes_of
from clipdesk.render.streams import RandomStreams, StepStreams
from clipdesk.render.transforms import resized, transformed

log = logging.getLogger(__name__)

_OPAQUE_FROM = 0.8
"""Share of the pixels that are less than fully opaque, if transparency is on."""


class Scorer(Protocol):
    """Scores pictures by the outputs of layers."""

    layers: list[LayerInfo]

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """From the captured outputs, (rows, positions, units) each in float32, the scores, (rows,)."""


class Scoring(NamedTuple):
    """What a batch of pictures is optimised for.

    Attributes:
        pictures: Scores each picture; every variant of a grid counts as a picture.
        views: Scores each view of each picture.
        likeness: The diversity term between the variants of a picture, or None.
    """

    pictures: Scorer
    views: Scorer
    likeness: Likeness | None


class Optimization:
    """A batch of pictures that is optimised step by step.

    Args:
        model: The network, frozen and on its device.
        scoring: What the pictures are optimised for.
        settings: How.
        seeds: A seed for each picture; every variant of a grid counts as a picture.
        sources: The files that the settings name.
        custom: Parts that the caller has brought.

    Raises:
        UsageError: a file that the settings name cannot be read, or a custom part returns a tensor of another shape
            than it should; `step` raises it too.
    """

    def __init__(
        self,
        model: nn.Module,
        scoring: Scoring,
        settings: RenderSettings,
        seeds: Sequence[int],
        sources: Sources,
        custom: CustomParts,
    ) -> None:
        self._scoring = scoring
        self._settings = settings
        self._sources = sources
        self._custom = custom
        self._device = next(model.parameters()).device
        read = [*scoring.pictures.layers, *(scoring.likeness.layers if scoring.likeness else ())]
        precision = precision_of(settings.precision, model, self._device)
        leak = settings.rectifier_gradient
        self._capture = LayerCapture(model, dict.fromkeys(read), half=precision == "bfloat16", leak=leak)
        self._side = input_side(model)
        self._mean, self._std = constants(normalization_of(model), self._device)
        self._streams = RandomStreams(seeds, self._device)
        self._sizes = sizes_of(settings, settings.image_size or self._side)
        self._image = make_image(settings, self._sizes[0], self._streams, sources, custom.parameterization)
        self._names: list[str] = []
        repeats = repeats_steps(self._device) and not custom.some
        self._repeating = _Repeating.on(self._device, seeds) if repeats else None
        self._begin_stage()
        how = "captured once and replayed" if self._repeating else "taken one by one"
        log.info("%d pictures on %s, the network in %s, steps %s", len(seeds), self._device, precision, how)

    def explained(self) -> AbstractContextManager[None]:
        """Turn the device's errors into ClipDesk's while entered."""
        return explained(len(self._streams), self._device)

    def step(self, step: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Take a step, from 1; returns each picture's objective, and its regularisers by name, (pictures,) each."""
        settings = self._settings
        size = self._sizes[(step - 1) * settings.stages // settings.iterations]
        if size != self._size:
            self._enlarge(size)
        now = step_parameters(settings, size, self._side, step)
        if self._repeating is None:
            values = self._work(now, self._streams, step)
        else:
            values = self._repeat(self._repeating, now, step)
        if settings.blur_every and step % settings.blur_every == 0 and step < settings.iterations:
            self._image.blur(settings.blur_sigma)
        self._image.project()
        scores, *penalties = self._of_pictures(values)
        return scores, dict(zip(self._names, penalties, strict=True))

    def end(self) -> None:
        """Free everything but the pictures, after the last step: whoever shows them may keep this object for long."""
        if self._repeating is not None:
            self._repeating.step.forget()
        self._repeating = None

    def _repeat(self, repeating: _Repeating, now: StepParameters, step: int) -> Tensor:
        repeating.numbers.copy_(torch.tensor(now[:-1]))
        repeating.streams.begin_step()
        rate, strength, smallest, largest = repeating.numbers.unbind()
        in_place = StepParameters(rate, strength, smallest, largest, now.density)
        return repeating.step(lambda: self._work(in_place, repeating.streams, step), (self._size, now.density))

    def _work(self, now: StepParameters, streams: RandomStreams, step: int) -> Tensor:
        """The device's work in a step; returns scores and regularisers, (1 + regularisers, variants)."""
        settings = self._settings
        self._optimizer.param_groups[0]["lr"] = now.rate
        pixels = self._image.pixels()
        if self._looked_at is not None:
            pixels.retain_grad()
        views = self._views(pixels, now, streams, step)
        outputs = self._outputs(views)
        scores = self._scoring.views(outputs).view(-1, settings.views).mean(dim=1)
        penalties = penalties_of(pixels, views, scores, settings)
        if self._scoring.likeness is not None:
            likeness = self._scoring.likeness(outputs, len(scores))
            penalties["likeness"] = settings.diversity * scores.detach().abs() * likeness
        loss = sum((penalty.sum() for penalty in penalties.values()), -scores.sum())
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        if self._looked_at is not None and pixels.grad is not None:
            self._looked_at += pixels.grad.abs().sum(dim=1)
        self._optimizer.step()
        self._names = list(penalties)
        return torch.stack([scores.detach(), *(penalty.detach() for penalty in penalties.values())])

    def _views(self, pixels: Tensor, now: StepParameters, streams: RandomStreams, step: int) -> Tensor:
        """The network's input in a step, (pictures * views, 3, side, side)."""
        if self._custom.transforms is None:
            return transformed(pixels, self._side, self._settings, streams, now)
        views = self._custom.transforms(pixels, streams, step)
        check_shape("The transforms", views, (len(pixels) * self._settings.views, 3, self._side, self._side))
        return views

    def _enlarge(self, size: int) -> None:
        """Continue with larger pictures that look like the present ones."""
        with torch.no_grad():
            before = self._image.pixels()
            self._image = make_noise(self._settings, size, self._streams, self._sources, self._custom.parameterization)
            self._image.show(F.interpolate(before, size=(size, size), mode="bicubic", align_corners=False).clamp(0, 1))
        self._begin_stage()

    def _begin_stage(self) -> None:
        self._optimizer = _optimizer(self._settings, self._image.parameters())
        with torch.no_grad():
            pixels = self._image.pixels()
        self._size = pixels.shape[-1]
        wanted = self._settings.transparency == "gradients"
        self._looked_at = torch.zeros_like(pixels[:, 0]) if wanted else None

    def _outputs(self, inputs: Tensor) -> dict[str, Tensor]:
        normalized = (inputs - self._mean) / self._std
        return {name: output.float() for name, output in self._capture.run(normalized).items()}

    def _of_pictures(self, values: Tensor) -> NDArray[np.float32]:
        """Means over the variants of each picture, (..., variants) to (..., pictures)."""
        means = values.float().view(*values.shape[:-1], -1, self._settings.grid**2).mean(dim=-1)
        return np.asarray(means.cpu().numpy(), dtype=np.float32)

    @torch.no_grad()
    def images(self) -> NDArray[np.uint8]:
        """As `Frame.images`."""
        pixels = self._image.pixels().clamp(0, 1).mul(255).round().to(torch.uint8)
        return tiled(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy(), self._settings.grid)

    @torch.no_grad()
    def alphas(self) -> NDArray[np.uint8] | None:
        """As `Frame.alphas`."""
        if self._looked_at is None:
            return None
        # As in Horama: the sum of the gradients' sizes, and a fifth of the pixels fully opaque.
        sizes = self._looked_at.cpu().numpy()
        # NumPy's quantile, because torch's is limited to 16 million values.
        ends = np.quantile(sizes, _OPAQUE_FROM, axis=(1, 2), keepdims=True)
        ends = np.where(ends > 0, ends, sizes.max(axis=(1, 2), keepdims=True).clip(min=1e-20))
        shares = np.asarray((255 * (sizes / ends).clip(max=1)).round(), dtype=np.uint8)
        return tiled(shares[..., None], self._settings.grid)[..., 0]

    @torch.no_grad()
    def clean_activations(self) -> NDArray[np.float32]:
        """As `Frame.clean_activations`."""
        pixels = self._image.pixels().clamp(0, 1).mul(255).round() / 255
        return self._of_pictures(self._scoring.pictures(self._outputs(resized(pixels, self._side))))


class _Repeating(NamedTuple):
    """What a GPU needs to replay a step.

    Attributes:
        step: Captures and replays it.
        streams: Its random numbers.
        numbers: Memory in which a captured step finds the parameters that change from step to step.
    """

    step: RepeatedStep
    streams: StepStreams
    numbers: Tensor

    @classmethod
    def on(cls, device: torch.device, seeds: Sequence[int]) -> Self:
        numbers = torch.zeros(len(StepParameters._fields) - 1, device=device)
        return cls(RepeatedStep(device), StepStreams(seeds, device), numbers)


def _optimizer(settings: RenderSettings, parameters: list[Tensor]) -> torch.optim.Optimizer:
    rate, betas = settings.learning_rate, (settings.momentum, settings.second_momentum)
    # On a GPU its steps are captured.
    device = parameters[0].device.type
    capturable = device == "cuda"
    # Fused: one pass over the values and their moments, where it would be a dozen.
    fused = device in ("cpu", "cuda")
    if settings.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=settings.momentum, fused=capturable or None)
    if settings.optimizer == "nadam":
        return torch.optim.NAdam(parameters, lr=rate, betas=betas, capturable=capturable, foreach=False)
    return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=fused, capturable=capturable)
