"""render(): the one loop of activation maximization, as a generator."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from clipdesk.errors import RenderError, UsageError
from clipdesk.models.loading import name_of, resolve_device
from clipdesk.network.faults import explained
from clipdesk.network.frozen import frozen
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layers import LayerInfo
from clipdesk.network.placing import on_device
from clipdesk.render.custom import BoundObjective, CustomObjective, CustomParts, MakeParameterization, Transforms
from clipdesk.render.grids import Likeness, seeds_of_variants
from clipdesk.render.objectives import Objective, ResolvedTarget, resolved
from clipdesk.render.optimization import Optimization, Scoring
from clipdesk.render.presets import default_preset, make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.start import check_start
from clipdesk.render.targets import Target


class Frame:
    """The state after one step. Its methods read the running render: call them before pulling the next frame.

    They raise the same errors as `render` for a device that has too little memory or fails.

    Attributes:
        step: Steps done, from 1.
        iterations: Steps in all.
        activations: Each picture's objective in this step, under its transforms, float32, (pictures,); the mean over
            the variants of a grid.
        penalties: What each regulariser subtracted from each picture's objective in this step, weighted, by name,
            float32, (pictures,) each.
    """

    def __init__(
        self,
        step: int,
        iterations: int,
        activations: NDArray[np.float32],
        penalties: dict[str, NDArray[np.float32]],
        optimization: Optimization,
    ) -> None:
        self.step = step
        self.iterations = iterations
        self.activations = activations
        self.penalties = penalties
        self._optimization = optimization

    def images(self) -> NDArray[np.uint8]:
        """The pictures now, (pictures, size, size, 3); a grid of variants is larger than the size asked for."""
        with self._optimization.explained():
            return self._optimization.images()

    def alphas(self) -> NDArray[np.uint8] | None:
        """How much the network looked at each pixel so far, (pictures, size, size); None unless transparency is on."""
        with self._optimization.explained():
            return self._optimization.alphas()

    def clean_activations(self) -> NDArray[np.float32]:
        """The activation of each picture as it would be saved, without transforms or noise, (pictures,)."""
        with self._optimization.explained():
            return self._optimization.clean_activations()


def render(
    model: nn.Module,
    targets: Sequence[Target | ResolvedTarget],
    settings: RenderSettings | None = None,
    *,
    seeds: Sequence[int] | None = None,
    inspector: LayerInspector | None = None,
    sources: Sources | None = None,
    parameterization: MakeParameterization | None = None,
    transforms: Transforms | None = None,
    objective: CustomObjective | None = None,
) -> Generator[Frame, None, None]:
    """Render pictures that excite the targets, all side by side, each from its own random numbers.

    To pause, stop pulling; to stop, close the generator. A picture does not depend on the others in its batch.

    Example::

        class Grey(Parameterization):
            def __init__(self, size, streams):
                self.values = streams.normal(1, size, size).requires_grad_()

            def pixels(self):
                return torch.sigmoid(self.values).expand(-1, 3, -1, -1)

        def flipped(pixels, streams, step):  # (pictures, 3, size, size) to (pictures * views, 3, 224, 224)
            pixels = pixels.flip(-1) if step % 2 else pixels
            return F.interpolate(pixels, size=(224, 224), mode="bilinear")

        layer = "visual.transformer.resblocks.5.mlp"
        both = CustomObjective([layer], lambda outputs: outputs[layer][:, 1:, [3, 7]].mean(dim=1).amin(dim=1))
        own = {"parameterization": Grey, "transforms": flipped, "objective": both}
        for frame in render(model, (), make_settings(views=1), seeds=[0, 1], **own):
            print(frame.step, frame.activations)

    Args:
        model: A CLIP, in any mode. It is not changed; if it is on another device or not in float32, a copy is used.
            Other renders may use it at the same time, on other threads too: its forward passes take turns.
        targets: What each picture is to excite; those that `resolve` has checked are not checked again.
        settings: How; by default as the model's own preset says (`default_preset`), if `load_model` has opened it.
        seeds: A seed for each target; by default `settings.seed` for all. With `objective`, a seed for each picture; by
            default one picture with `settings.seed`.
        inspector: The model's inspector, to save tracing it again.
        sources: Reads the files that settings and targets name; those that it has read before are not read again.
        parameterization: Makes the pictures, in place of the setting of that name, from (size, streams); see
            `MakeParameterization`. With any part of the caller's own, a GPU's steps are not captured, and are slower.
        transforms: Makes the network's input, (pictures * views, 3, side, side), from (pixels, streams, step), in place
            of crops, noise and all other random changes; see `Transforms`.
        objective: What is maximised, in place of targets, of which there must then be none.

    Returns:
        A generator of `settings.iterations` frames; whoever pulls them follows `settings.patience`, if they want to
        (`clipdesk.render.convergence`).

    Raises:
        UsageError: at once, if a target or a layer does not exist, or the render cannot begin as asked; from the
            generator, if a file of the settings cannot be read, or a custom part returns a tensor of the wrong shape.
        ClipDeskError: at once, if the device does not exist.
        RenderError: out of memory; from the generator also an activation that is not a number.
        DeviceLostError: the device has failed.
    """
    settings = settings or make_settings(default_preset(name_of(model)))
    custom = CustomParts(parameterization, transforms, objective)
    if parameterization is None:
        check_start(settings)
    seeds = _seeds(targets, settings, seeds, objective)
    device = resolve_device(settings.device)
    with explained(len(seeds), device):
        model = on_device(model, device)
    with frozen(model), explained(len(seeds), device):
        inspector = inspector or LayerInspector(model)
        sources = sources or Sources()
        if objective is None:
            scoring = _by_targets(resolved(targets, inspector, sources), model, settings, inspector, sources)
        else:
            scoring = _by_objective(objective, len(seeds), settings, inspector)
    every = seeds_of_variants(seeds, settings.grid**2)
    begin = partial(Optimization, model, scoring, settings, every, sources, custom)
    return _frames(model, begin, len(every), settings.iterations)


def _seeds(
    targets: Sequence[Target | ResolvedTarget],
    settings: RenderSettings,
    seeds: Sequence[int] | None,
    objective: CustomObjective | None,
) -> Sequence[int]:
    """A seed for each picture."""
    if objective is not None:
        if targets:
            raise UsageError("Name targets, or give an objective, but not both")
        if seeds is not None and not seeds:
            raise UsageError("There is nothing to render: give a seed for each picture")
        return [settings.seed] if seeds is None else seeds
    seeds = [settings.seed] * len(targets) if seeds is None else seeds
    if len(seeds) != len(targets):
        raise UsageError(f"There are {len(targets)} targets but {len(seeds)} seeds")
    return seeds


def _by_targets(
    targets: list[ResolvedTarget],
    model: nn.Module,
    settings: RenderSettings,
    inspector: LayerInspector,
    sources: Sources,
) -> Scoring:
    variants = [target for target in targets for _ in range(settings.grid**2)]
    how = {"turning": settings.latent_gradient == "turning", "own_texts": settings.own_texts}
    pictures = Objective(variants, model, sources, **how)
    of_views = [target for target in variants for _ in range(settings.views)]
    views = pictures if settings.views == 1 else Objective(of_views, model, sources, **how)
    return Scoring(pictures, views, _likeness([target.terms[0].info for target in targets], settings, inspector))


def _by_objective(
    objective: CustomObjective, pictures: int, settings: RenderSettings, inspector: LayerInspector
) -> Scoring:
    bound = BoundObjective(objective, inspector)
    return Scoring(bound, bound, _likeness([bound.layers[0]] * pictures, settings, inspector))


def _likeness(own: list[LayerInfo], settings: RenderSettings, inspector: LayerInspector) -> Likeness | None:
    return Likeness(own, inspector) if settings.grid > 1 and settings.diversity > 0 else None


def _frames(
    model: nn.Module, begin: Callable[[], Optimization], pictures: int, iterations: int
) -> Generator[Frame, None, None]:
    with explained(pictures, next(model.parameters()).device):
        optimization = begin()
        try:
            for step in range(1, iterations + 1):
                activations, penalties = optimization.step(step)
                if not np.isfinite(activations).all():
                    raise RenderError(f"The activation is not a number at step {step}. Try a lower learning rate")
                yield Frame(step, iterations, activations, penalties, optimization)
        finally:
            optimization.end()
