"""render(): the one loop of activation maximization, as a generator."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clipdesk.errors import RenderError, UsageError
from clipdesk.inspector import LayerInspector, input_side
from clipdesk.models.loading import resolve_device
from clipdesk.render.capture import LayerCapture, frozen
from clipdesk.render.faults import explained
from clipdesk.render.grids import Likeness, seeds_of_variants, tiled
from clipdesk.render.images import Parameterization
from clipdesk.render.objectives import Objective
from clipdesk.render.penalties import penalties_of
from clipdesk.render.precision import precision_of
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.start import check_start, make_image, sizes_of
from clipdesk.render.streams import RandomStreams
from clipdesk.render.targets import Target
from clipdesk.render.transforms import normalization_of, normalized, resized, transformed

_OPAQUE_FROM = 0.8
"""Share of the pixels that are less than wholly opaque, where transparency is asked for."""


class Frame:
    """The state after one step. Its methods look at the running render: call them before pulling the next frame.

    They raise what `render` does for a device that has too little memory or fails.

    Attributes:
        step: Steps done, from 1.
        iterations: Steps in all.
        activations: What each picture's objective was in this step, under its transforms, float32, (pictures,); of a
            grid of variants the mean.
        penalties: What each regulariser that is on took off each picture's objective in this step, weighted, by name,
            float32, (pictures,) each.
    """

    def __init__(
        self,
        step: int,
        iterations: int,
        activations: NDArray[np.float32],
        penalties: dict[str, NDArray[np.float32]],
        run: _Run,
    ) -> None:
        self.step, self.iterations, self.activations, self.penalties = step, iterations, activations, penalties
        self._run = run

    def images(self) -> NDArray[np.uint8]:
        """The pictures now, (pictures, size, size, 3); a grid of variants is larger than the size asked for."""
        with self._run.explained():
            return self._run.images()

    def alphas(self) -> NDArray[np.uint8] | None:
        """How much the network looked at each pixel so far, (pictures, size, size); None where it is not asked for."""
        with self._run.explained():
            return self._run.alphas()

    def clean_activations(self) -> NDArray[np.float32]:
        """Each picture's activation as it would be saved: whole, without transforms or noise, (pictures,)."""
        with self._run.explained():
            return self._run.clean_activations()


def render(
    model: nn.Module,
    targets: Sequence[Target],
    settings: RenderSettings | None = None,
    *,
    seeds: Sequence[int] | None = None,
    inspector: LayerInspector | None = None,
) -> Iterator[Frame]:
    """Render pictures that excite the targets, all side by side, each from its own random numbers.

    To pause is not to pull; to stop is to close the generator. A picture does not depend on the others in its batch.

    Args:
        model: A CLIP. Left as it was; on another device or in another precision than asked for, a copy is used.
        targets: What each picture is to excite.
        settings: How; the default is ClipDesk's own recipe.
        seeds: A seed for each target; by default `settings.seed` for all.
        inspector: The model's inspector, to save tracing it again.

    Returns:
        A generator of `settings.iterations` frames.

    Raises:
        UsageError: at once, if a target is not there, or it cannot begin as asked; from the generator, if a file of the
            settings cannot be read.
        ClipDeskError: at once, if the device is not there.
        RenderError: out of memory; from the generator also an activation that is not a number.
        DeviceLostError: the device has failed.
    """
    settings = settings or make_settings()
    check_start(settings)
    seeds = [settings.seed] * len(targets) if seeds is None else seeds
    if len(seeds) != len(targets):
        raise UsageError(f"There are {len(targets)} targets but {len(seeds)} seeds")
    device = resolve_device(settings.device)
    with explained(len(seeds), device):
        model = _as_needed(model, device)
    with frozen(model), explained(len(seeds), device):
        inspector = inspector or LayerInspector(model)
        variants = [target for target in targets for _ in range(settings.grid**2)]
        objective = Objective(variants, model, inspector)
        views = [target for target in variants for _ in range(settings.views)]
        of_views = objective if settings.views == 1 else Objective(views, model, inspector)
        likeness = Likeness(targets, inspector) if settings.grid > 1 and settings.diversity > 0 else None
    return _frames(model, objective, of_views, likeness, settings, seeds_of_variants(seeds, settings.grid**2))


def _frames(
    model: nn.Module,
    objective: Objective,
    of_views: Objective,
    likeness: Likeness | None,
    settings: RenderSettings,
    seeds: Sequence[int],
) -> Iterator[Frame]:
    with frozen(model), explained(len(seeds), next(model.parameters()).device):
        run = _Run(model, objective, of_views, likeness, settings, seeds)
        for step in range(1, settings.iterations + 1):
            activations, penalties = run.step(step)
            if not np.isfinite(activations).all():
                raise RenderError(f"The activation is not a number at step {step}. Try a lower learning rate")
            yield Frame(step, settings.iterations, activations, penalties, run)


class _Run:
    """One batch of pictures on its way."""

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        of_views: Objective,
        likeness: Likeness | None,
        settings: RenderSettings,
        seeds: Sequence[int],
    ) -> None:
        self._objective, self._objective_of_views, self._settings = objective, of_views, settings
        self._likeness = likeness
        self._device = next(model.parameters()).device
        read = [*objective.layers, *(likeness.layers if likeness else ())]
        half = precision_of(settings, model, self._device) == "bfloat16"
        self._capture = LayerCapture(model, dict.fromkeys(read), half=half)
        self._side, self._normalization = input_side(model), normalization_of(model)
        self._streams = RandomStreams(seeds, self._device)
        self._sizes = sizes_of(settings, settings.image_size or self._side)
        self._image: Parameterization = make_image(settings, self._sizes[0], self._streams)
        self._optimizer = _optimizer(settings, self._image.values)
        self._looked_at: Tensor | None = None

    def explained(self) -> AbstractContextManager[None]:
        """While it is entered, what goes wrong on the device is told in words."""
        return explained(len(self._streams), self._device)

    def step(self, step: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        settings = self._settings
        stage = (step - 1) * settings.stages // settings.iterations
        pixels = self._image.pixels()
        if self._sizes[stage] != pixels.shape[-1]:
            pixels = self._enlarge(self._sizes[stage])
        if settings.transparency == "gradients":
            pixels.retain_grad()
        views = transformed(pixels, self._side, settings, self._streams, 1 - (step - 1) / settings.iterations)
        outputs = self._outputs(views)
        scores = self._objective_of_views(outputs).view(-1, settings.views).mean(dim=1)
        penalties = penalties_of(pixels, views, scores, settings)
        if self._likeness is not None:
            penalties["likeness"] = settings.diversity * scores.detach().abs() * self._likeness(outputs, len(scores))
        loss = sum((penalty.sum() for penalty in penalties.values()), -scores.sum())
        if settings.schedule == "cosine":
            # As Ghiasi et al. 2022 do it: from the full rate to zero.
            share = (1 + math.cos(math.pi * (step - 1) / settings.iterations)) / 2
            self._optimizer.param_groups[0]["lr"] = settings.learning_rate * share
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        if settings.transparency == "gradients":
            self._note_gradient(pixels)
        self._optimizer.step()
        if settings.blur_every and step % settings.blur_every == 0 and step < settings.iterations:
            self._image.blur(settings.blur_sigma)
        self._image.project()
        return self._of_pictures(scores), {name: self._of_pictures(penalty) for name, penalty in penalties.items()}

    def _enlarge(self, size: int) -> Tensor:
        """Go on with larger pictures that look like those before."""
        with torch.no_grad():
            before = self._image.pixels()
            self._image = make_image(self._settings, size, self._streams)
            self._image.show(F.interpolate(before, size=(size, size), mode="bicubic", align_corners=False).clamp(0, 1))
        self._optimizer = _optimizer(self._settings, self._image.values)
        return self._image.pixels()

    def _note_gradient(self, pixels: Tensor) -> None:
        if pixels.grad is None:
            return
        here = pixels.grad.abs().sum(dim=1)
        if self._looked_at is not None and self._looked_at.shape == here.shape:
            here = here + self._looked_at
        self._looked_at = here

    def _outputs(self, inputs: Tensor) -> dict[str, Tensor]:
        return {
            name: output.float() for name, output in self._capture.run(normalized(inputs, self._normalization)).items()
        }

    def _of_pictures(self, values: Tensor) -> NDArray[np.float32]:
        """Means over the variants of each picture."""
        means = values.detach().float().view(-1, self._settings.grid**2).mean(dim=1)
        return np.asarray(means.cpu().numpy(), dtype=np.float32)

    @torch.no_grad()
    def images(self) -> NDArray[np.uint8]:
        pixels = self._image.pixels().clamp(0, 1).mul(255).round().to(torch.uint8)
        return tiled(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy(), self._settings.grid)

    @torch.no_grad()
    def alphas(self) -> NDArray[np.uint8] | None:
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
        pixels = self._image.pixels().clamp(0, 1).mul(255).round() / 255
        return self._of_pictures(self._objective(self._outputs(resized(pixels, self._side))))


def _optimizer(settings: RenderSettings, values: Tensor) -> torch.optim.Optimizer:
    if settings.optimizer == "sgd":
        return torch.optim.SGD([values], lr=settings.learning_rate, momentum=settings.momentum)
    betas = settings.momentum, settings.second_momentum
    if settings.optimizer == "nadam":
        return torch.optim.NAdam([values], lr=settings.learning_rate, betas=betas)
    # Fused: one pass over the values and their moments; else it is a dozen.
    fused = values.device.type in ("cpu", "cuda")
    return torch.optim.Adam([values], lr=settings.learning_rate, betas=betas, fused=fused)


def _as_needed(model: nn.Module, device: torch.device) -> nn.Module:
    """The model itself if it is in float32 on the device, else a copy that is."""
    first = next(model.parameters())
    same_place = first.device.type == device.type and device.index in (None, first.device.index)
    if same_place and all(p.dtype == torch.float32 for p in model.parameters()):
        return model
    return copy.deepcopy(model).float().to(device)
