"""render(): the one loop of activation maximization, as a generator."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clipdesk.errors import RenderError, UsageError
from clipdesk.inspector import LayerInspector, input_side
from clipdesk.models.loading import resolve_device
from clipdesk.render.capture import LayerCapture, frozen
from clipdesk.render.images import Parameterization, diagonal_variation, total_variation
from clipdesk.render.objectives import Objective
from clipdesk.render.settings import RenderSettings
from clipdesk.render.start import make_image
from clipdesk.render.streams import RandomStreams
from clipdesk.render.targets import Target
from clipdesk.render.transforms import normalized, resized, transformed


class Frame:
    """The state after one step. Its methods look at the running render: call them before pulling the next frame.

    Attributes:
        step: Steps done, from 1.
        iterations: Steps in all.
        activations: What each picture's objective was in this step, under its transforms, float32, (pictures,).
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
        """The pictures now, (pictures, size, size, 3)."""
        return self._run.images()

    def clean_activations(self) -> NDArray[np.float32]:
        """Each picture's activation as it would be saved: whole, without transforms or noise, (pictures,)."""
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
        UsageError: at once, if a target is not there.
        ClipDeskError: at once, if the device is not there.
        RenderError: from the generator: out of memory, or an activation that is not a number.
    """
    settings = settings or RenderSettings()
    seeds = [settings.seed] * len(targets) if seeds is None else seeds
    if len(seeds) != len(targets):
        raise UsageError(f"There are {len(targets)} targets but {len(seeds)} seeds")
    model = _as_needed(model, resolve_device(settings.device))
    with frozen(model):
        inspector = inspector or LayerInspector(model)
        objective = Objective(targets, model, inspector)
        views = [target for target in targets for _ in range(settings.views)]
        of_views = objective if settings.views == 1 else Objective(views, model, inspector)
    return _frames(model, objective, of_views, settings, seeds)


def _frames(
    model: nn.Module, objective: Objective, of_views: Objective, settings: RenderSettings, seeds: Sequence[int]
) -> Iterator[Frame]:
    with frozen(model):
        try:
            run = _Run(model, objective, of_views, settings, seeds)
            for step in range(1, settings.iterations + 1):
                activations, penalties = run.step(step)
                if not np.isfinite(activations).all():
                    raise RenderError(f"The activation is not a number at step {step}. Try a lower learning rate")
                yield Frame(step, settings.iterations, activations, penalties, run)
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
                raise RenderError(
                    f"There is not enough memory for {len(seeds)} pictures at once. Try fewer, or a smaller size"
                ) from error
            raise


class _Run:
    """One batch of pictures on its way."""

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        of_views: Objective,
        settings: RenderSettings,
        seeds: Sequence[int],
    ) -> None:
        self._objective, self._objective_of_views, self._settings = objective, of_views, settings
        self._capture = LayerCapture(model, objective.layers)
        self._device = next(model.parameters()).device
        self._side = input_side(model)
        self._streams = RandomStreams(seeds, self._device)
        self._image: Parameterization = make_image(settings, settings.image_size or self._side, self._streams)
        self._optimizer = _optimizer(settings, self._image.values)

    def step(self, step: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        settings = self._settings
        pixels = self._image.pixels()
        views = transformed(pixels, self._side, settings, self._streams, 1 - (step - 1) / settings.iterations)
        scores = self._score(views, self._objective_of_views).view(-1, settings.views).mean(dim=1)
        penalties = {}
        if settings.view_tv_weight > 0:
            variation = diagonal_variation(views).view(-1, settings.views).mean(dim=1)
            penalties["variation of views"] = settings.view_tv_weight * variation
        if settings.tv_weight > 0:
            penalties["total variation"] = settings.tv_weight * total_variation(pixels)
        loss = sum((penalty.sum() for penalty in penalties.values()), -scores.sum())
        if settings.schedule == "cosine":
            # As Ghiasi et al. 2022 do it: from the full rate to zero.
            share = (1 + math.cos(math.pi * (step - 1) / settings.iterations)) / 2
            self._optimizer.param_groups[0]["lr"] = settings.learning_rate * share
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._optimizer.step()
        if settings.blur_every and step % settings.blur_every == 0 and step < settings.iterations:
            self._image.blur(settings.blur_sigma)
        self._image.project()
        return _as_floats(scores), {name: _as_floats(penalty) for name, penalty in penalties.items()}

    def _score(self, inputs: Tensor, objective: Objective) -> Tensor:
        low = self._settings.precision == "bfloat16"
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=low):
            outputs = self._capture.run(normalized(inputs))
        return objective({name: output.float() for name, output in outputs.items()})

    @torch.no_grad()
    def images(self) -> NDArray[np.uint8]:
        pixels = self._image.pixels().clamp(0, 1).mul(255).round().to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    @torch.no_grad()
    def clean_activations(self) -> NDArray[np.float32]:
        pixels = self._image.pixels().clamp(0, 1).mul(255).round() / 255
        return _as_floats(self._score(resized(pixels, self._side), self._objective))


def _optimizer(settings: RenderSettings, values: Tensor) -> torch.optim.Optimizer:
    if settings.optimizer == "sgd":
        return torch.optim.SGD([values], lr=settings.learning_rate, momentum=settings.momentum)
    kind = torch.optim.NAdam if settings.optimizer == "nadam" else torch.optim.Adam
    return kind([values], lr=settings.learning_rate, betas=(settings.momentum, 0.999))


def _as_floats(scores: Tensor) -> NDArray[np.float32]:
    return np.asarray(scores.detach().float().cpu().numpy(), dtype=np.float32)


def _as_needed(model: nn.Module, device: torch.device) -> nn.Module:
    """The model itself if it is in float32 on the device, else a copy that is."""
    first = next(model.parameters())
    same_place = first.device.type == device.type and device.index in (None, first.device.index)
    if same_place and all(p.dtype == torch.float32 for p in model.parameters()):
        return model
    return copy.deepcopy(model).float().to(device)
