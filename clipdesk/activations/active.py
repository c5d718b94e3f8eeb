"""What is left of a latent in a picture, as recipes contain it. Imports no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat


class Activity(BaseModel):
    """What ReLU, top-k or a threshold leave of a latent in a picture; what was maximised is its pre-activation.

    Attributes:
        value: Its largest value, at any position; 0 where it is active nowhere.
        places: At how many positions it is active.
        positions: How many there are.
        activation: What is applied to pre-activations, such as ``top-k (k = 32)``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: FiniteFloat
    places: Annotated[int, Field(ge=0)]
    positions: Annotated[int, Field(ge=1)]
    activation: Annotated[str, Field(max_length=64)]

    @property
    def in_words(self) -> str:
        """A clause: ``survives top-k (k = 32) at 12 of 64 positions, with up to 3.1``."""
        if not self.places:
            return f"does not survive {self.activation}: it is zero in this picture"
        where = "" if self.positions == 1 else f" at {self.places} of {self.positions} positions"
        return f"survives {self.activation}{where}, with up to {self.value:.3g}"
