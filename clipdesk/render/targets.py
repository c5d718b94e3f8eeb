"""What a picture is to excite, as plain data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Unit(BaseModel):
    """One unit of a layer: a neuron of a token layer (mean over the patches), a channel, or an attention head."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unit"] = "unit"
    layer: str
    index: int = Field(ge=0)

    @property
    def label(self) -> str:
        """``visual.transformer.resblocks.5.mlp:12``."""
        return f"{self.layer}:{self.index}"


class Text(BaseModel):
    """A text; the picture's embedding is to point where the text's does (cosine similarity)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1)

    @property
    def label(self) -> str:
        """The text in quotation marks."""
        return f'"{self.text}"'


Target = Annotated[Unit | Text, Field(discriminator="kind")]
