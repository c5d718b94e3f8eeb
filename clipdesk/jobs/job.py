"""Job: pictures that are asked for, as plain data that round-trips through JSON. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from typing_extensions import Self, override

from clipdesk.checksums import file_sha256
from clipdesk.errors import UsageError
from clipdesk.export.recipe import Recipe, Sha256
from clipdesk.files import check_readable
from clipdesk.jobs.work import Work
from clipdesk.models.names import WithLatents
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings, of_latents
from clipdesk.render.targets import Target

_PIECE = 1_000
"""So many targets are written and read at once: no other thread of the program runs meanwhile."""
_TARGETS = TypeAdapter(tuple[Target, ...])


class Job(Work):
    """Pictures to render.

    Attributes:
        model: Name or checkpoint file.
        weights: SHA-256 of the weights that they are rendered on; None until they are known.
        targets: What to render, one picture each.
        settings: How.
        files: SHA-256 of the files that targets and settings name, by path, as far as they are known.
        seed_base: If given, unit `i` has the seed `seed_base + i`; otherwise all have `settings.seed`.
    """

    kind: Literal["render"] = "render"
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    settings: RenderSettings = Field(default_factory=make_settings)
    seed_base: int | None = Field(None, ge=0)
    files: dict[str, Sha256] = Field(default_factory=dict)

    @property
    @override
    def units(self) -> tuple[Target, ...]:
        return self.targets

    @property
    @override
    def steps(self) -> int:
        return self.settings.iterations

    @property
    @override
    def noun(self) -> str:
        return "pictures"

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self.model_copy(update={"targets": tuple(self.targets[i] for i in positions)})

    @override
    def of(self, units: Sequence[Target]) -> Self:
        return self.model_copy(update={"targets": tuple(units)})

    @override
    def label(self, position: int) -> str:
        return self.targets[position].label

    def settings_of(self, target: Target) -> RenderSettings:
        """The settings with the target's own seed."""
        if self.seed_base is None or target.layer is None:
            return self.settings
        return self.settings.model_copy(update={"seed": self.seed_base + target.seed_offset})

    def paths_of(self, target: Target) -> tuple[str, ...]:
        """The files that one of its pictures depends on."""
        return (*self.settings.files, *target.files)

    def files_of(self, target: Target) -> dict[str, str]:
        """The checksums of those files, as far as they are known."""
        return {path: self.files[path] for path in self.paths_of(target) if path in self.files}

    @override
    def known(self) -> Self:
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
            with suppress(OSError, UsageError):
                check_readable(Path(path))
                found[path] = file_sha256(Path(path))
            if path in found and found[path] != self.files.get(path, found[path]):
                raise UsageError(f"{path} is another file than the one that the picture was made with")
        return self.model_copy(update={"files": found})

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> Job:
        """The job that makes a picture again, on the weights that it was made with."""
        return cls(
            model=recipe.model,
            weights=recipe.weights,
            targets=(recipe.target,),
            settings=recipe.settings,
            files=recipe.files,
        )

    @override
    def written(self) -> str:
        """As JSON, like `model_dump_json`, but a hundred thousand targets do not hold up other threads."""
        rest = self.model_dump_json(exclude={"targets"})
        pieces = (self.targets[start : start + _PIECE] for start in range(0, len(self.targets), _PIECE))
        targets = ",".join(_TARGETS.dump_json(piece)[1:-1].decode() for piece in pieces)
        return f'{rest.removesuffix("}")},"targets":[{targets}]}}'

    @classmethod
    @override
    def read(cls, values: dict[str, Any]) -> Self:
        """From what JSON holds, like `model_validate`, but a hundred thousand targets do not hold up other threads.

        Raises:
            ValueError: it is not a job.
        """
        found = values.get("targets")
        if not isinstance(found, list):
            return cls.model_validate(values)._as_meant()
        pieces = (found[start : start + _PIECE] for start in range(0, len(found), _PIECE))
        targets = tuple(target for piece in pieces for target in _TARGETS.validate_python(piece))
        job = cls.model_validate({**values, "targets": targets[:1]})._as_meant()
        return job.model_copy(update={"targets": targets})

    def _as_meant(self) -> Self:
        """Jobs of latents from before `latent_gradient` was a setting go on with the whole one, like their recipes."""
        if not isinstance(self.model, WithLatents):
            return self
        return self.model_copy(update={"settings": of_latents(self.settings)})
