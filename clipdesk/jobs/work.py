"""Work: what all kinds of jobs have in common, as plain data that round-trips through JSON. Imports no torch."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from typing_extensions import Self

from clipdesk.export.recipe import Sha256
from clipdesk.models.names import ModelName, parse_name

NameOfModel = Annotated[ModelName, BeforeValidator(parse_name), PlainSerializer(str, return_type=str)]
"""A model's name inside a job: text in JSON, parsed in Python."""


class Work(BaseModel):
    """Something to do, in units that can be done one by one, by any process, and in any order.

    A kind of work is a subclass with a `kind` of its own, which `jobs.kinds` lists; `jobs.service` knows by it how the
    work is done. The queue keeps it, pauses it, and goes on with it after a crash without knowing more than this.

    Attributes:
        kind: Which kind it is.
        model: The model that it is done with.
        weights: SHA-256 of the model's weights, once they are known: no others are used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    model: NameOfModel
    weights: Sha256 | None = None

    @property
    def units(self) -> Sequence[Hashable]:
        """Its units, each once."""
        raise TypeError(f"{type(self).__name__} does not say what its units are")

    @property
    def steps(self) -> int:
        """Steps that a unit takes, for a bar of progress."""
        return 1

    @property
    def divisible(self) -> bool:
        """Whether several processes can do some of its units each."""
        return True

    @property
    def for_workers(self) -> bool:
        """Whether workers can share it: each does some of its units, or a part of the one that it has."""
        return self.divisible

    def part(self, positions: Sequence[int]) -> Self:
        """The same work on some of its units alone."""
        raise TypeError(f"{type(self).__name__} cannot be divided")

    def of(self, units: Sequence[Any]) -> Self:
        """The same work on other units."""
        raise TypeError(f"{type(self).__name__} cannot be divided")

    def label(self, position: int) -> str:
        """A unit's name, for people."""
        return str(self.units[position])

    @property
    def noun(self) -> str:
        """What its units are called, in the plural."""
        return "units"

    def known(self) -> Self:
        """The same work, knowing the checksums of the files that it depends on.

        Raises:
            UsageError: a file is not there, or is another one than it was.
        """
        return self

    def with_weights(self, sha256: str | None) -> Self:
        """The same work, to be done with these weights."""
        return self.model_copy(update={"weights": sha256})

    def written(self) -> str:
        """As JSON."""
        return self.model_dump_json()

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """From what JSON holds.

        Raises:
            ValueError: it is something else.
        """
        return cls.model_validate(values)
