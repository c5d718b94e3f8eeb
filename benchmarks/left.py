"""What a batch that was killed again and again has left: pictures, queue and metadata, held against each other."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from clipdesk.errors import UsageError
from clipdesk.export.metadata import BatchMetadata
from clipdesk.export.png import read_recipe
from clipdesk.jobs.store import JobStore
from clipdesk.render.targets import Unit


@dataclass(frozen=True)
class Left:
    """The folder of a batch, after all.

    Attributes:
        pictures: The files of each unit, by its index.
        broken: Files that are neither pictures with a recipe nor metadata.
        disagree: Units of which queue, metadata and folder do not name the same one picture.
    """

    pictures: dict[int, list[Path]]
    broken: int
    disagree: int

    @property
    def missing(self) -> int:
        """Units without a picture."""
        return sum(not paths for paths in self.pictures.values())

    @property
    def twice(self) -> int:
        """Units with several pictures."""
        return sum(len(paths) > 1 for paths in self.pictures.values())


def left_in(out: Path, queue: Path, layer: str, units: int) -> Left:
    """Read what is there of the first `units` units of a layer, the one job of a queue."""
    pictures: dict[int, list[Path]] = {index: [] for index in range(units)}
    broken = 0
    for path in out.iterdir():
        try:
            target = read_recipe(path).target if path.suffix == ".png" else None
        except UsageError:
            target = None
        if isinstance(target, Unit):
            pictures[target.index].append(path)
        elif not path.name.endswith("_metadata.json"):
            broken += 1
    with closing(JobStore(queue)) as store:
        (stored,) = store.jobs()
        files = {unit.position: unit.file for unit in store.units(stored.number)}
    records = BatchMetadata.open(out, layer, stored.job.model).units
    agree = sum(
        1
        for index, paths in pictures.items()
        if len(paths) == 1
        and files.get(index) == paths[0].name
        and (record := records.get(index)) is not None
        and (record.status, record.file) == ("done", paths[0].name)
    )
    return Left(pictures, broken, units - agree)
