"""FeatureVisualizer: the simple face of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from clipdesk.errors import RenderError
from clipdesk.export.png import with_recipe
from clipdesk.given import checked
from clipdesk.jobs.events import Failure, Progress, Result
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.models.loading import name_of
from clipdesk.models.names import Named
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.render.convergence import Convergence
from clipdesk.render.custom import CustomObjective, MakeParameterization, Transforms
from clipdesk.render.expressions import parse_target
from clipdesk.render.loop import Frame, render
from clipdesk.render.objectives import check_target
from clipdesk.render.presets import default_preset, make_settings
from clipdesk.render.settings import RenderSettings, changed
from clipdesk.render.targets import Target, Unit
from clipdesk.render.typed import in_full

_NAME = Named("given by the caller")
ProgressCallback = Callable[[int, int, float], None]
"""Called after each step with the steps done, the steps in all, and the activation."""


class FeatureVisualizer:
    """Draws pictures that excite single neurons of a CLIP, or other targets.

    Args:
        model: A model as `clipdesk.open_model` returns it, or the name or file of one; or a network as `clip.load` or
            `clipdesk.load_model` returns it. It is left as it is. A network of which ClipDesk does not know the name,
            as `clip.load` returns it, begins with the preset ``standard``, as a checkpoint does.
        device: Where to render; by default where the model is.

    Raises:
        ClipDeskError: the device is not there, or a model of that name cannot be opened.
        UsageError: there is no model of that name, or it takes pictures that are not square.
    """

    def __init__(self, model: nn.Module | OpenModel | str | Path, device: str | torch.device | None = None) -> None:
        if isinstance(model, str | Path):
            model = open_model(model, device)
        self.model = model.network if isinstance(model, OpenModel) else model
        if isinstance(model, OpenModel):
            self._opened = model if device is None else model.on(device)
        else:
            self._opened = OpenModel.of(model, device)
        self._preset = default_preset(self._opened.name or name_of(self.model))
        self.device = str(self._opened.device)
        self.inspector = self._opened.inspector

    @checked
    def generate_image(
        self,
        layer_name: str,
        neuron_index: int,
        num_iterations: int | None = None,
        image_size: int | None = None,
        learning_rate: float | None = None,
        blur_every: int | None = None,
        tv_weight: float | None = None,
        seed: int = 0,
        progress_callback: ProgressCallback | None = None,
        preset: str | RenderSettings | None = None,
    ) -> Image.Image:
        """Render one neuron.

        Args:
            layer_name: Name of a layer, full or short: ``visual.transformer.resblocks.5.attn`` or ``5.attn``.
            neuron_index: A unit of that layer.
            num_iterations: Steps, 1 to 5,000; as all that follow, by default what the preset says.
            image_size: Side of the picture in pixels, 64 to 2,048; by default the model's input size.
            learning_rate: Step size of Adam.
            blur_every: Steps between Gaussian blurs, 0 to 50; 0 for never.
            tv_weight: Weight of the total variation.
            seed: The same seed gives the same picture.
            progress_callback: Called after each step with (steps done, steps in all, activation).
            preset: As for `generate`.

        Returns:
            The picture, RGB; it carries its recipe, as that of `generate`.

        Raises:
            UsageError: no such layer or neuron, or a value out of range.
            RenderError: out of memory, or an activation that is not a number.
        """
        wanted = {
            "iterations": num_iterations,
            "image_size": image_size,
            "learning_rate": learning_rate,
            "blur_every": blur_every,
            "tv_weight": tv_weight,
        }
        changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        info = self.inspector.check_unit(layer_name, neuron_index)
        target = Unit(layer=info.name, index=neuron_index)
        return self.generate(target, preset, progress_callback=progress_callback, seed=seed, **changes)

    @checked
    def generate(
        self,
        target: Target | str | None = None,
        preset: str | RenderSettings | None = None,
        *,
        progress_callback: ProgressCallback | None = None,
        parameterization: MakeParameterization | None = None,
        transforms: Transforms | None = None,
        objective: CustomObjective | None = None,
        **changes: object,
    ) -> Image.Image:
        """Render a unit, a text, a sum of such, or an objective of your own.

        Args:
            target: A target, or one as `clipdesk.parse_target` reads it: ``'"a star" - "a circle"'``. None where there
                is an `objective`.
            preset: Name of one of `clipdesk.render.presets.PRESETS`, or settings of your own; by default the model's
                own, as in the command line.
            progress_callback: Called after each step with (steps done, steps in all, activation).
            parameterization: Makes the picture, in place of the setting of that name; see `clipdesk.render.custom`.
            transforms: Makes the network's input, in place of crops, noise and all other random changes.
            objective: What is maximised, in place of a target.
            changes: Settings that differ from those of the preset, by the names that `RenderSettings` has.

        Returns:
            The picture, RGB. It carries its recipe and its curve, which `clipdesk.save_picture` writes with it, unless
            it was made with a part of your own.

        Raises:
            UsageError: the target cannot be read or is not there, a setting is unknown or out of range, an argument is
                of another type, or a part of your own returns a tensor of the wrong shape.
            RenderError: out of memory, or an activation that is not a number.
        """
        settings = self._settings(preset, changes)
        targets: list[Target] = []
        if target is not None:
            asked = parse_target(target) if isinstance(target, str) else target
            targets.append(in_full(asked, self.inspector.layers))
        tell = _tell_nobody if progress_callback is None else progress_callback
        own = (parameterization, transforms, objective)
        if not targets or any(part is not None for part in own):
            frames = render(
                self._opened.network,
                targets,
                settings,
                inspector=self.inspector,
                parameterization=parameterization,
                transforms=transforms,
                objective=objective,
            )
            return _last_picture(frames, Convergence(settings, 1), tell)
        check_target(targets[0], self.inspector)
        return self._queued(Job(model=self._opened.name or _NAME, targets=tuple(targets), settings=settings), tell)

    def _settings(self, preset: str | RenderSettings | None, changes: Mapping[str, object]) -> RenderSettings:
        """A preset with some settings changed, on the model's device where neither names another."""
        if not isinstance(preset, RenderSettings):
            return make_settings(preset or self._preset, **{"device": self.device, **changes})
        device = self.device if preset.device == "auto" else preset.device
        return changed(preset, {"device": device, **changes})

    def _queued(self, job: Job, tell: ProgressCallback) -> Image.Image:
        """Render a job of one picture through a queue of its own, as every other face of ClipDesk does."""
        with closing(QueueService(None, Here(opened=self._opened))) as service:
            service.add(job, None)
            for step in service.steps():
                event = step.event
                if isinstance(event, Failure):
                    raise RenderError(event.reason)
                if isinstance(event, Result):
                    return with_recipe(Image.fromarray(event.image), event.recipe, event.curve)
                if isinstance(event, Progress):
                    tell(event.step, event.iterations, float(event.activations[0]))
        raise AssertionError("a job ends with a result or a failure")


def _last_picture(frames: Iterator[Frame], convergence: Convergence, tell: ProgressCallback) -> Image.Image:
    """Pull a render that has parts which no job can hold, to its end."""
    for frame in frames:
        tell(frame.step, frame.iterations, float(frame.activations[0]))
        if convergence.ended(frame.activations):
            break
    return Image.fromarray(frame.images()[0])


def _tell_nobody(_step: int, _iterations: int, _activation: float) -> None:
    """Do nothing."""
