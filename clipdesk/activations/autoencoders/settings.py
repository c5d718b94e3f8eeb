"""What a sparse autoencoder is trained with, as plain data that round-trips through JSON. Imports no torch."""

from __future__ import annotations

import importlib.util
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from clipdesk.errors import ClipDeskError

Kind = Literal["topk", "matryoshka"]
"""``topk``: as many latents for each token (Gao et al. 2024). ``matryoshka``: batch top-k whose first quarter and first
half of the latents have to do without the others (Bussmann et al. 2025)."""
TokenChoice = Literal["patches", "class", "all"]
EXPANSION = 8
"""Latents for each unit of the layer, where no number is named."""


class TrainingSettings(BaseModel):
    """What a sparse autoencoder is trained with. With the weights and the image set it says all about the result.

    Attributes:
        layer: Dotted name of the layer.
        tokens: The tokens whose activations are learnt; None for the patches, where the layer has any.
        kind: How latents are kept few.
        latents: How many there are; None for eight for each unit of the layer.
        active: How many of them are active at a token: on average, or for `topk` at each.
        steps: Steps of the training.
        batch: Tokens in a step.
        rate: Learning rate; it falls over the last quarter.
        positions: The most tokens of a picture that are kept, drawn by `seed`.
        seed: Of the first weights and of the order of the tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: str
    tokens: TokenChoice | None = None
    kind: Kind = "topk"
    latents: Annotated[int, Field(ge=8, le=2**18)] | None = None
    active: Annotated[int, Field(ge=1, le=1024)] = 24
    steps: Annotated[int, Field(ge=1, le=10_000_000)] = 2_000
    batch: Annotated[int, Field(ge=16, le=2**16)] = 1_024
    rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    positions: Annotated[int, Field(ge=1, le=2**16)] = 64
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


def check_library() -> None:
    """Check that the library is there that trains.

    Raises:
        ClipDeskError: it is not; says how to install it.
    """
    if importlib.util.find_spec("sae_lens") is None:
        raise ClipDeskError("Training a sparse autoencoder needs SAELens: pip install 'clipdesk[sae]'")
