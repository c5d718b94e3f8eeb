"""FeatureVisualizer: the simple face of the engine."""

from __future__ import annotations

from collections.abc import Callable

import torch
from PIL import Image
from torch import nn

from clipdesk.errors import RenderError
from clipdesk.jobs.events import Failure, Progress, Result
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.models.names import Named
from clipdesk.network.opened import OpenModel
from clipdesk.render.expressions import parse_target
from clipdesk.render.objectives import check_target
from clipdesk.render.presets import DEFAULT_PRESET, make_settings
from clipdesk.render.targets import Target, Unit

_NAME = Named("given by the caller")
ProgressCallback = Callable[[int, int, float], None]
"""Called after each step with the steps done, the steps in all, and the activation."""


class FeatureVisualizer:
    """Draws pictures that excite single neurons of a CLIP, or other targets.

    Args:
        model: As `clip.load` or `clipdesk.load_model` returns it, and left as it is; or an `OpenModel`.
        device: Where to render; by default where the model is.

    Raises:
        ClipDeskError: the device is not there.
        UsageError: the model takes pictures that are not square.
    """

    def __init__(self, model: nn.Module | OpenModel, device: str | torch.device | None = None) -> None:
        self.model = model.network if isinstance(model, OpenModel) else model
        self._opened = model if isinstance(model, OpenModel) and device is None else OpenModel.of(self.model, device)
        self.device = str(self._opened.device)
        self.inspector = self._opened.inspector

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
        preset: str = DEFAULT_PRESET,
    ) -> Image.Image:
        """Render one neuron.

        Args:
            layer_name: Dotted name of a layer, e.g. ``visual.transformer.resblocks.5.attn``.
            neuron_index: A unit of that layer.
            num_iterations: Steps, 1 to 5,000; as all that follow, by default what the preset says.
            image_size: Side of the picture in pixels, 64 to 2,048; by default the model's input size.
            learning_rate: Step size of Adam.
            blur_every: Steps between Gaussian blurs, 0 to 50; 0 for never.
            tv_weight: Weight of the total variation.
            seed: The same seed gives the same picture.
            progress_callback: Called after each step with (steps done, steps in all, activation).
            preset: Name of one of `clipdesk.render.presets.PRESETS`.

        Returns:
            The picture, RGB.

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
        changes = {name: value for name, value in wanted.items() if value is not None}
        self.inspector.check_unit(layer_name, neuron_index)
        target = Unit(layer=layer_name, index=neuron_index)
        return self.generate(target, preset, progress_callback=progress_callback, seed=seed, **changes)

    def generate(
        self,
        target: Target | str,
        preset: str = DEFAULT_PRESET,
        *,
        progress_callback: ProgressCallback | None = None,
        **changes: object,
    ) -> Image.Image:
        """Render a unit, a text, or a sum of such.

        Args:
            target: A target, or one as `clipdesk.parse_target` reads it: ``'"a star" - "a circle"'``.
            preset: Name of one of `clipdesk.render.presets.PRESETS`.
            progress_callback: Called after each step with (steps done, steps in all, activation).
            changes: Settings that differ from the preset's, by the names that `RenderSettings` has.

        Returns:
            The picture, RGB.

        Raises:
            UsageError: the target cannot be read or is not there, or a setting is unknown or out of range.
            RenderError: out of memory, or an activation that is not a number.
        """
        settings = make_settings(preset, **{"device": self.device, **changes})
        target = parse_target(target) if isinstance(target, str) else target
        check_target(target, self.inspector)
        service = QueueService(None, Here(opened=self._opened))
        try:
            service.add(Job(model=_NAME, targets=(target,), settings=settings), None)
            for step in service.steps():
                event = step.event
                if isinstance(event, Failure):
                    raise RenderError(event.reason)
                if isinstance(event, Result):
                    return Image.fromarray(event.image)
                if isinstance(event, Progress) and progress_callback is not None:
                    progress_callback(event.step, event.iterations, float(event.activations[0]))
        finally:
            service.close()
        raise AssertionError("a job ends with a result or a failure")
