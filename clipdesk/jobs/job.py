"""Job: what is asked for, as plain data that round-trips through JSON."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic_core import from_json

from clipdesk.checksums import file_sha256
from clipdesk.errors import UsageError
from clipdesk.export.recipe import Recipe, Sha256
from clipdesk.render.files import check_readable
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target

_PIECE = 1_000
"""So many targets are written and read at once: no other thread of the program runs meanwhile."""
_TARGETS = TypeAdapter(tuple[Target, ...])


class Job(BaseModel):
    """Pictures to render.

    Attributes:
        model: Name or checkpoint file.
        targets: What to render, one picture each.
        settings: How.
        files: SHA-256 of the files that targets and settings name, by path, as far as they are known.
        seed_base: If given, unit `i` has the seed `seed_base + i`; otherwise all have `settings.seed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    settings: RenderSettings = Field(default_factory=make_settings)
    seed_base: int | None = Field(None, ge=0)
    files: dict[str, Sha256] = {}

    def settings_of(self, target: Target) -> RenderSettings:
        """The settings with the target's own seed."""
        if self.seed_base is None or target.layer is None:
            return self.settings
        return self.settings.model_copy(update={"seed": self.seed_base + target.seed_offset})

    def files_of(self, target: Target) -> dict[str, str]:
        """The files that one of its pictures depends on, as far as they are known."""
        named = (*self.settings.files, *target.files)
        return {path: self.files[path] for path in named if path in self.files}

    def with_files(self) -> Job:
        """The same job, knowing its files.

        A file of a target that cannot be read stays unknown; to render the target says why.

        Raises:
            UsageError: a file is another than it was when the job or its recipe was made, or one of the settings
                cannot be read.
        """
        found: dict[str, str] = {}
        for path in self.settings.files:
            check_readable(Path(path))
        for path in dict.fromkeys([*self.settings.files, *(path for t in self.targets for path in t.files)]):
            with suppress(OSError):
                found[path] = file_sha256(Path(path))
            if path in found and found[path] != self.files.get(path, found[path]):
                raise UsageError(f"{path} is another file than the one that the picture was made with")
        return self.model_copy(update={"files": found})

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> Job:
        """The job that makes a picture again."""
        return cls(model=recipe.model, targets=(recipe.target,), settings=recipe.settings, files=recipe.files)

    def written(self) -> str:
        """As JSON, like `model_dump_json`, but a hundred thousand targets do not hold up other threads."""
        rest = self.model_dump_json(exclude={"targets"})
        pieces = (self.targets[start : start + _PIECE] for start in range(0, len(self.targets), _PIECE))
        targets = ",".join(_TARGETS.dump_json(piece)[1:-1].decode() for piece in pieces)
        return f'{rest.removesuffix("}")},"targets":[{targets}]}}'

    @classmethod
    def read(cls, text: str) -> Job:
        """From JSON, like `model_validate_json`, but a hundred thousand targets do not hold up other threads.

        Raises:
            ValueError: it is no job.
        """
        values = from_json(text)
        found = values.get("targets") if isinstance(values, dict) else None
        if not isinstance(found, list):
            return cls.model_validate(values)
        pieces = (found[start : start + _PIECE] for start in range(0, len(found), _PIECE))
        targets = tuple(target for piece in pieces for target in _TARGETS.validate_python(piece))
        return cls.model_validate({**values, "targets": targets[:1]}).model_copy(update={"targets": targets})
