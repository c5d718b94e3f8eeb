"""Two models in one render: pictures that excite a unit of one and leave a unit of the other cold."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipdesk.errors import UsageError
from clipdesk.given import checked
from clipdesk.network.frozen import alone_with
from clipdesk.network.inspector import ROOT, LayerInspector, input_side
from clipdesk.network.normalization import constants, normalization_of
from clipdesk.network.opened import OpenModel
from clipdesk.render.custom import CustomObjective
from clipdesk.render.loop import Frame, render
from clipdesk.render.readers import at_position
from clipdesk.render.settings import RenderSettings

_TOWERS = ("first", "second")


class Measured(NamedTuple):
    """A unit with the scale of its activations, so that those of two models can be compared.

    Attributes:
        layer: Dotted name of its layer.
        unit: Its index there.
        mean: Mean of its activation over some pictures.
        deviation: Standard deviation over them; 0 for a unit that does not vary, whose activation counts as it is.
        at: The position in the layer at which all of this is: as in `Term`, but for the number of one position.
    """

    layer: str
    unit: int
    mean: float
    deviation: float
    at: Literal["patches", "max", "class"] = "patches"


@checked
def render_difference(
    first: OpenModel, second: OpenModel, pairs: Sequence[tuple[Measured, Measured]], settings: RenderSettings
) -> Iterator[Frame]:
    """Render what excites units of the second model, but not units of the first.

    Maximised is the second's activation, in standard deviations above its mean, less the first's where that is above
    its own mean: both networks see each view.

    Args:
        first: The model whose units are to stay cold.
        second: The model whose units are to be excited.
        pairs: A unit of each for every picture.
        settings: How; a picture has the same random numbers as one of a single unit with the same seed and settings, if
            both models take pictures of one size.

    Returns:
        A generator of frames, as `render` gives.

    Raises:
        UsageError: a unit is not there, or there are none.
        RenderError: out of memory, or an activation that is not a number.
    """
    if not pairs:
        raise UsageError("There is nothing to render: name at least one pair of units")
    if settings.grid > 1:
        raise UsageError("A difference has no variants: set grid to 1")
    for cold, hot in pairs:
        first.inspector.check_unit(cold.layer, cold.unit)
        second.inspector.check_unit(hot.layer, hot.unit)
    network = _Both(first, second)
    objective = _objective(first, second, pairs)
    seeds = [settings.seed] * len(pairs)
    return render(network, (), settings, seeds=seeds, inspector=LayerInspector(network), objective=objective)


class _Both(nn.Module):
    """Two vision towers as one: the second's input is the first's, in its own size and normalisation."""

    def __init__(self, first: OpenModel, second: OpenModel) -> None:
        super().__init__()
        self.visual = _Towers(first, second)


def _copied(model: OpenModel) -> nn.Module:
    """A model's tower, for one render alone."""
    with alone_with(model.network):
        return copy.deepcopy(model.network.get_submodule(ROOT)).eval().requires_grad_(False)


class _Towers(nn.Module):
    def __init__(self, first: OpenModel, second: OpenModel) -> None:
        super().__init__()
        # Copies, since a render holds hooks in a network, and the two may be one.
        self.first, self.second = _copied(first), _copied(second)
        self.input_resolution = max(first.side, second.side)
        self.image_mean, self.image_std = normalization_of(first.network)
        self._sides = {name: input_side(each.network) for name, each in zip(_TOWERS, (first, second), strict=True)}
        for name, model in zip(_TOWERS, (first, second), strict=True):
            mean, std = constants(model.normalization, model.device)
            self.register_buffer(f"{name}_mean", mean, persistent=False)
            self.register_buffer(f"{name}_std", std, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Run both; what is returned is the second's embedding."""
        pixels = inputs * self.get_buffer("first_std") + self.get_buffer("first_mean")
        found = inputs
        for name in _TOWERS:
            side = self._sides[name]
            seen = pixels
            if pixels.shape[-1] != side:
                seen = F.interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
            normalized = (seen - self.get_buffer(f"{name}_mean")) / self.get_buffer(f"{name}_std")
            found = self.get_submodule(name)(normalized)
        return found


def _objective(first: OpenModel, second: OpenModel, pairs: Sequence[tuple[Measured, Measured]]) -> CustomObjective:
    """The score of each picture or view; a picture's views stand together."""
    cold = [_Reader(first, "first", pair[0]) for pair in pairs]
    hot = [_Reader(second, "second", pair[1]) for pair in pairs]

    def score(outputs: Mapping[str, Tensor]) -> Tensor:
        rows = len(outputs[hot[0].name])
        each = rows // len(pairs)
        scores = []
        for at, (quiet, loud) in enumerate(zip(cold, hot, strict=True)):
            part = slice(at * each, (at + 1) * each)
            scores.append(loud(outputs, part) - quiet(outputs, part).clamp(min=0))
        return torch.cat(scores)

    return CustomObjective(list(dict.fromkeys(each.name for each in (*cold, *hot))), score)


class _Reader:
    """A unit's value at its position, in standard deviations above its mean."""

    def __init__(self, opened: OpenModel, tower: str, unit: Measured) -> None:
        self._info = opened.inspector.layers[unit.layer]
        self.name = f"{ROOT}.{tower}{unit.layer.removeprefix(ROOT)}"
        self._unit, self._scale = unit, unit.deviation or 1.0

    def __call__(self, outputs: Mapping[str, Tensor], rows: slice) -> Tensor:
        unit = self._unit
        values = at_position(outputs[self.name][rows], self._info, unit.at)[:, unit.unit]
        return (values - unit.mean) / self._scale
