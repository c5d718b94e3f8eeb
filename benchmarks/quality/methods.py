"""Methods of rendering: ClipDesk's presets and its peers, with the same model, targets and input size."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import override

from clipdesk.network.capture import LayerCapture
from clipdesk.network.frozen import frozen
from clipdesk.network.inspector import LayerInspector, input_side
from clipdesk.network.normalization import normalized
from clipdesk.render.loop import render
from clipdesk.render.maco import mean_magnitudes
from clipdesk.render.objectives import Objective
from clipdesk.render.presets import PRESETS, make_settings
from clipdesk.render.targets import Target
from clipdesk.scenes.dataset import Kind, draw_scenes

Images = NDArray[np.uint8]


class Method(ABC):
    """A method of rendering.

    Attributes:
        name: Its name in the report.
        recipe: Everything that determines its pictures except model, target and seed.
        slow: True if a picture takes many times as long as usual, because of its many views per step.
    """

    name: str
    recipe: str
    slow: bool = False

    @abstractmethod
    def render(self, model: CLIP, targets: Sequence[Target], seed: int) -> Images:
        """Render a picture of each target, uint8, (targets, side, side, 3), all of one side."""


class Preset(Method):
    """A preset of ClipDesk.

    Args:
        name: Name of the preset.
        changes: Settings that differ from the preset's; the method's name lists them.
    """

    GROUP = 16

    def __init__(self, name: str, **changes: object) -> None:
        self.name = " ".join([name, *(f"{setting}={value}" for setting, value in changes.items())])
        self._settings = make_settings(name, **changes)
        self.recipe = self._settings.model_dump_json()
        self.slow = self._settings.views > 4

    @override
    def render(self, model: CLIP, targets: Sequence[Target], seed: int) -> Images:
        inspector = LayerInspector(model)
        parts = []
        for start in range(0, len(targets), self.GROUP):
            group = targets[start : start + self.GROUP]
            # Each picture has its own start, so that a single lucky start does not decide.
            seeds = [seed * 1_000 + start + i for i in range(len(group))]
            frames = render(model, group, self._settings, seeds=seeds, inspector=inspector)
            parts.append(deque(frames, maxlen=1).pop().images())
        return np.concatenate(parts)


class _Score(nn.Module):
    """The network as peers see it: it maps pictures to the target's mean activation.

    Args:
        model: The CLIP.
        target: The target that is scored.
        wants_pixels: True if pictures are in [0, 1] and must be normalised.
    """

    def __init__(self, model: CLIP, target: Target, *, wants_pixels: bool) -> None:
        super().__init__()
        self.score = nn.Identity()
        inspector = LayerInspector(model)
        self._target = target
        self._model = [model]
        self._inspector = inspector
        self._wants_pixels = wants_pixels
        self._objectives: dict[int, tuple[Objective, LayerCapture]] = {}

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (n, 3, side, side) to one number."""
        n, model = len(pixels), self._model[0]
        if n not in self._objectives:
            objective = Objective.of([self._target] * n, model, self._inspector)
            self._objectives[n] = objective, LayerCapture(model, objective.layers)
        objective, capture = self._objectives[n]
        score: Tensor = self.score(objective(capture.run(normalized(pixels) if self._wants_pixels else pixels)).mean())
        return score


class Lucent(Method):
    """torch-lucent 0.1.8 with its defaults: Fourier, Adam 0.05, its standard transforms.

    Args:
        steps: Steps of each picture.
        corrected: Normalise pictures as CLIP does, not as ImageNet models do.
    """

    def __init__(self, steps: int, *, corrected: bool) -> None:
        self.name = "lucent-corrected" if corrected else "lucent"
        self.recipe = f"{steps} steps"
        self._steps, self._corrected = steps, corrected

    @override
    def render(self, model: CLIP, targets: Sequence[Target], seed: int) -> Images:
        from lucent.optvis import param
        from lucent.optvis.render import render_vis

        side = input_side(model)
        parts = []
        with frozen(model):
            for i, target in enumerate(targets):
                _sow(seed * 1_000 + i)
                images = render_vis(
                    _Score(model, target, wants_pixels=self._corrected).eval(),
                    lambda features: -features("score"),
                    lambda: param.image(side),
                    thresholds=(self._steps,),
                    preprocess=not self._corrected,
                    progress=False,
                    show_image=False,
                    fixed_image_size=side,
                )
                parts.append((images[-1][0] * 255).round().astype(np.uint8))
        return np.stack(parts)


class Horama(Method):
    """Horama 0.3.0 with its defaults; the picture's side relates to the model's input as its 1,280 px to 224.

    Args:
        steps: Steps of each picture.
        maco: Use MACO with the spectrum of drawn scenes instead of the Fourier recipe.
    """

    slow = True

    def __init__(self, steps: int, *, maco: bool) -> None:
        self.name = "horama-maco" if maco else "horama-fourier"
        self.recipe = f"{steps} steps"
        self._steps, self._maco = steps, maco

    @override
    def render(self, model: CLIP, targets: Sequence[Target], seed: int) -> Images:
        import horama
        from horama.plots import check_format, clip_percentile, normalize

        side, parts = input_side(model), []
        with frozen(model), _spectrum(side), contextlib.redirect_stderr(io.StringIO()):
            for i, target in enumerate(targets):
                _sow(seed * 1_000 + i)
                picture, _ = (horama.maco if self._maco else horama.fourier)(
                    _Score(model, target, wants_pixels=False).eval(),
                    total_steps=self._steps,
                    image_size=2 * round(640 * side / 224),  # it accepts only even sides
                    model_input_size=side,
                    device="cpu",
                )
                # As in its own plots.
                shown = normalize(clip_percentile(check_format(picture), 1.0))
                parts.append((shown * 255).round().astype(np.uint8))
        return np.stack(parts)


@contextlib.contextmanager
def _spectrum(side: int) -> Iterator[None]:
    """Enter a working directory with the spectrum file for Horama's MACO, made from scenes."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        scenes = draw_scenes(200, 5, Kind.SEEN, processes=1)
        np.save(Path(folder) / "spectrum_decorrelated.npy", mean_magnitudes(scenes.images, side))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _sow(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)  # lucent draws its transforms from here


def methods(steps: int, changes: Mapping[str, object] | None = None) -> dict[str, Method]:
    """All methods by name; presets keep their own names.

    Args:
        steps: Steps of each picture of a peer.
        changes: Settings that differ from the presets'.
    """
    peers: list[Method] = [
        Lucent(steps, corrected=False),
        Lucent(steps, corrected=True),
        Horama(steps, maco=False),
        Horama(steps, maco=True),
    ]
    own: dict[str, Method] = {name: Preset(name, **(changes or {})) for name in PRESETS if name != "publication"}
    return own | {method.name: method for method in peers}
