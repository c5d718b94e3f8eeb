"""Whether a latent is active in a picture: what ReLU, top-k or a threshold leave of it."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

from clipdesk.activations.heatmaps import read_layers
from clipdesk.network.latents.source import LatentsOf
from clipdesk.network.opened import OpenModel


class Activity(NamedTuple):
    """What is left of a latent in a picture.

    Attributes:
        value: Its largest value, at any position; 0 where it is active nowhere.
        places: At how many positions it is active.
        positions: How many there are.
        activation: What is applied to pre-activations, such as ``top-k (k = 32)``.
    """

    value: float
    places: int
    positions: int
    activation: str

    @property
    def in_words(self) -> str:
        """A sentence without its full stop."""
        if not self.places:
            return f"the latent does not survive {self.activation}: it is zero in this picture"
        where = "" if self.positions == 1 else f" at {self.places} of {self.positions} positions"
        return f"the latent survives {self.activation}{where}, with up to {self.value:.3g}"


def activity_of(opened: OpenModel, layer: str, unit: int, picture: Image.Image) -> Activity | None:
    """What is left of a latent in a picture, as its file has it; None for a unit that is not a latent.

    Args:
        opened: The model.
        layer: Name of a layer.
        unit: Index of the unit.
        picture: Such as one that was rendered for it.

    Raises:
        UsageError: there is no such unit.
        RenderError: the device has too little memory.
    """
    info = opened.inspector.check_unit(layer, unit)
    if not isinstance(info.source, LatentsOf):
        return None
    (outputs,) = read_layers(opened, [info], [picture])
    values = outputs[info.name][0, :, unit]
    active = values != 0
    largest = float(values[active].max()) if active.any() else 0.0
    return Activity(largest, int(active.sum()), len(values), info.source.latents.activation.name)
