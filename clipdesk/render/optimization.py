"""Optimization: a batch of pictures on its way, step by step."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import Self

from clipdesk.network.capture import LayerCapture
from clipdesk.network.faults import explained
from clipdesk.network.inspector import input_side
from clipdesk.network.normalization import constants, normalization_of
from clipdesk.network.precision import precision_of
from clipdesk.render.graphs import RepeatedStep, repeats_steps
from clipdesk.render.grids import Likeness, tiled
from clipdesk.render.images import Parameterization
from clipdesk.render.objectives import Objective
from clipdesk.render.penalties import penalties_of
from clipdesk.render.schedule import StepParameters, step_parameters
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.start import make_image, make_noise, sizes_of
from clipdesk.render.streams import RandomStreams, StepStreams
from clipdesk.render.transforms import resized, transformed

log = logging.getLogger(__name__)

_OPAQUE_FROM = 0.8
"""Share of the pixels that are less than wholly opaque, where transparency is asked for."""


class Optimization:
    """One batch of pictures on its way.

    Args:
        model: Frozen, on its device.
        objective: Of each picture, variants counted.
        of_views: Of each view of them.
        likeness: Of variants, where they are to differ.
        settings: The recipe.
        seeds: Of each picture.
        sources: The files that the settings name.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        of_views: Objective,
        likeness: Likeness | None,
        settings: RenderSettings,
        seeds: Sequence[int],
        sources: Sources,
    ) -> None:
        self._objective = objective
        self._objective_of_views = of_views
        self._settings = settings
        self._sources = sources
        self._likeness = likeness
        self._device = next(model.parameters()).device
        read = [*objective.layers, *(likeness.layers if likeness else ())]
        precision = precision_of(settings.precision, model, self._device)
        self._capture = LayerCapture(model, dict.fromkeys(read), half=precision == "bfloat16")
        self._side = input_side(model)
        self._mean, self._std = constants(normalization_of(model), self._device)
        self._streams = RandomStreams(seeds, self._device)
        self._sizes = sizes_of(settings, settings.image_size or self._side)
        self._image: Parameterization = make_image(settings, self._sizes[0], self._streams, sources)
        self._names: list[str] = []
        self._repeating = _Repeating.on(self._device, seeds) if repeats_steps(self._device) else None
        self._begin_stage()
        how = "recorded once and repeated" if self._repeating else "taken one by one"
        log.info("%d pictures on %s, the network in %s, steps %s", len(seeds), self._device, precision, how)

    def explained(self) -> AbstractContextManager[None]:
        """While it is entered, what goes wrong on the device is told in words."""
        return explained(len(self._streams), self._device)

    def step(self, step: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Take a step, from 1; what each picture's objective was in it, and its penalties by name, (pictures,) each."""
        settings = self._settings
        size = self._sizes[(step - 1) * settings.stages // settings.iterations]
        if size != self._size:
            self._enlarge(size)
        now = step_parameters(settings, size, self._side, step)
        values = self._work(now, self._streams) if self._repeating is None else self._repeat(self._repeating, now)
        if settings.blur_every and step % settings.blur_every == 0 and step < settings.iterations:
            self._image.blur(settings.blur_sigma)
        self._image.project()
        scores, *penalties = self._of_pictures(values)
        return scores, dict(zip(self._names, penalties, strict=True))

    def end(self) -> None:
        """No step follows: keep only what the pictures need, since who looks at them may keep this for long."""
        if self._repeating is not None:
            self._repeating.step.forget()
        self._repeating = None

    def _repeat(self, repeating: _Repeating, now: StepParameters) -> Tensor:
        repeating.numbers.copy_(torch.tensor(now[:-1]))
        repeating.streams.begin_step()
        rate, strength, smallest, largest = repeating.numbers.unbind()
        in_place = StepParameters(rate, strength, smallest, largest, now.density)
        return repeating.step(lambda: self._work(in_place, repeating.streams), (self._size, now.density))

    def _work(self, now: StepParameters, streams: RandomStreams) -> Tensor:
        """What the device does in a step; scores and penalties, (1 + penalties, variants)."""
        settings = self._settings
        self._optimizer.param_groups[0]["lr"] = now.rate
        pixels = self._image.pixels()
        if self._looked_at is not None:
            pixels.retain_grad()
        views = transformed(pixels, self._side, settings, streams, now)
        outputs = self._outputs(views)
        scores = self._objective_of_views(outputs).view(-1, settings.views).mean(dim=1)
        penalties = penalties_of(pixels, views, scores, settings)
        if self._likeness is not None:
            penalties["likeness"] = settings.diversity * scores.detach().abs() * self._likeness(outputs, len(scores))
        loss = sum((penalty.sum() for penalty in penalties.values()), -scores.sum())
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        if self._looked_at is not None and pixels.grad is not None:
            self._looked_at += pixels.grad.abs().sum(dim=1)
        self._optimizer.step()
        self._names = list(penalties)
        return torch.stack([scores.detach(), *(penalty.detach() for penalty in penalties.values())])

    def _enlarge(self, size: int) -> None:
        """Go on with larger pictures that look like those before."""
        with torch.no_grad():
            before = self._image.pixels()
            self._image = make_noise(self._settings, size, self._streams, self._sources)
            self._image.show(F.interpolate(before, size=(size, size), mode="bicubic", align_corners=False).clamp(0, 1))
        self._begin_stage()

    def _begin_stage(self) -> None:
        self._optimizer = _optimizer(self._settings, self._image.values)
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
        # As Horama does it: the sum of the gradients' sizes, and a fifth of the pixels wholly opaque.
        sizes = self._looked_at.cpu().numpy()
        # NumPy's: torch's takes no more than 16 million values.
        ends = np.quantile(sizes, _OPAQUE_FROM, axis=(1, 2), keepdims=True)
        ends = np.where(ends > 0, ends, sizes.max(axis=(1, 2), keepdims=True).clip(min=1e-20))
        shares = np.asarray((255 * (sizes / ends).clip(max=1)).round(), dtype=np.uint8)
        return tiled(shares[..., None], self._settings.grid)[..., 0]

    @torch.no_grad()
    def clean_activations(self) -> NDArray[np.float32]:
        """As `Frame.clean_activations`."""
        pixels = self._image.pixels().clamp(0, 1).mul(255).round() / 255
        return self._of_pictures(self._objective(self._outputs(resized(pixels, self._side))))


class _Repeating(NamedTuple):
    """What a GPU repeats a step with.

    Attributes:
        step: The step.
        streams: Its random numbers.
        numbers: Where a recorded step finds what changes from step to step.
    """

    step: RepeatedStep
    streams: StepStreams
    numbers: Tensor

    @classmethod
    def on(cls, device: torch.device, seeds: Sequence[int]) -> Self:
        numbers = torch.zeros(len(StepParameters._fields) - 1, device=device)
        return cls(RepeatedStep(device), StepStreams(seeds, device), numbers)


def _optimizer(settings: RenderSettings, values: Tensor) -> torch.optim.Optimizer:
    rate, betas = settings.learning_rate, (settings.momentum, settings.second_momentum)
    # On a GPU their steps are recorded.
    capturable = values.device.type == "cuda"
    # Fused: one pass over the values and their moments; else it is a dozen.
    fused = values.device.type in ("cpu", "cuda")
    if settings.optimizer == "sgd":
        return torch.optim.SGD([values], lr=rate, momentum=settings.momentum, fused=capturable or None)
    if settings.optimizer == "nadam":
        return torch.optim.NAdam([values], lr=rate, betas=betas, capturable=capturable, foreach=False)
    return torch.optim.Adam([values], lr=rate, betas=betas, fused=fused, capturable=capturable)
