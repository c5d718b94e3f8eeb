"""Job: what is asked for, as plain data that round-trips through JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from clipdesk.export.recipe import Recipe
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target, Unit


class Job(BaseModel):
    """Pictures to render.

    Attributes:
        model: Name or checkpoint file.
        targets: What to render, one picture each.
        settings: How.
        seed_base: If given, unit `i` has the seed `seed_base + i`; otherwise all have `settings.seed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    settings: RenderSettings = RenderSettings()
    seed_base: int | None = Field(None, ge=0)

    def settings_of(self, target: Target) -> RenderSettings:
        """The settings with the target's own seed."""
        if self.seed_base is None or not isinstance(target, Unit):
            return self.settings
        return self.settings.model_copy(update={"seed": self.seed_base + target.index})

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> Job:
        """The job that makes a picture again."""
        return cls(model=recipe.model, targets=(recipe.target,), settings=recipe.settings)
