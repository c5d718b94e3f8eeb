"""Parts of a render that researchers can bring themselves: a parameterization, transforms, an objective.

Each is passed to `clipdesk.render.loop.render`, and takes the place of what the settings say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from clipdesk.errors import UsageError
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layers import LayerInfo
from clipdesk.render.images import Parameterization
from clipdesk.render.streams import RandomStreams


class MakeParameterization(Protocol):
    """Makes the pictures that are optimised; a subclass of `Parameterization` is one."""

    def __call__(self, size: int, streams: RandomStreams) -> Parameterization:
        """Begin with random pictures.

        Args:
            size: Side of the pictures in pixels.
            streams: A source of random numbers for each picture: ``len(streams)`` is the number of pictures, and
                ``streams.normal(3, size, size)`` gives (pictures, 3, size, size) on ``streams.device``. Pictures whose
                numbers come from it do not depend on the others in their batch.

        Returns:
            Pictures whose `pixels` are (pictures, 3, size, size) in [0, 1].
        """


class Transforms(Protocol):
    """Makes the network's input from the pictures, in each step."""

    def __call__(self, pixels: Tensor, streams: RandomStreams, step: int) -> Tensor:
        """Transform pictures, differentiably.

        Args:
            pixels: (pictures, 3, size, size) in [0, 1].
            streams: A source of random numbers for each picture, as in `MakeParameterization`.
            step: The step, from 1.

        Returns:
            (pictures * views, 3, side, side), not normalised. `views` is the setting of that name, and all views of a
            picture stand together; `side` is the network's input size.
        """


@dataclass(frozen=True)
class CustomObjective:
    """What pictures are to excite, as a function of the layers' outputs.

    Example::

        # The variance of a layer's units, at each picture's most active position.
        CustomObjective(["visual.conv1"], lambda outputs: outputs["visual.conv1"].amax(dim=1).var(dim=1))

    Attributes:
        layers: Dotted names of the layers that it reads.
        score: From the outputs by layer, (n, positions, units) each in float32, the scores, (n,), which are maximised.
            Positions are tokens, the class token first, or pixels. The rows are pictures or their views: each must be
            scored by itself.
    """

    layers: Sequence[str]
    score: Callable[[Mapping[str, Tensor]], Tensor]


class CustomParts(NamedTuple):
    """The parts that a caller of `render` has brought."""

    parameterization: MakeParameterization | None = None
    transforms: Transforms | None = None
    objective: CustomObjective | None = None

    @property
    def some(self) -> bool:
        """Whether there is any: steps are then not captured as CUDA graphs, since nobody knows what they do."""
        return any(part is not None for part in self)


class BoundObjective:
    """A `CustomObjective` for a model.

    Raises:
        UsageError: the objective reads no layer, or the model has no such layer.
    """

    def __init__(self, objective: CustomObjective, inspector: LayerInspector) -> None:
        if not objective.layers:
            raise UsageError("The objective reads no layer. Name at least one")
        self.layers: list[LayerInfo] = [inspector.visualizable(name) for name in dict.fromkeys(objective.layers)]
        """The layers that it reads."""
        self._score = objective.score

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """From the captured outputs, (rows, positions, units) each, the scores, (rows,).

        Raises:
            UsageError: the scores have another shape.
        """
        read = {info.name: outputs[info.name] for info in self.layers}
        scores = self._score(read)
        check_shape("The objective", scores, (len(read[self.layers[0].name]),))
        return scores


def check_shape(what: str, found: Tensor, wanted: tuple[int, ...]) -> None:
    """Check what a part of somebody's own has returned.

    Raises:
        UsageError: its shape is not the one that is wanted.
    """
    if tuple(found.shape) != wanted:
        raise UsageError(f"{what} returned a tensor of shape {tuple(found.shape)}, but {wanted} is needed")
