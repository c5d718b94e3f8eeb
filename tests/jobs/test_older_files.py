"""Files that ClipDesk wrote at commit c01ae89, before models had an identity: they are read, and the work goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from clip.model import CLIP

from clipdesk.export.metadata import BatchMetadata
from clipdesk.export.metadata_writer import MetadataWriter
from clipdesk.export.png import read_recipe
from clipdesk.jobs.events import Failure, Saved, Skipped
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.rescue import open_store
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import JobStore
from clipdesk.models.names import Checkpoint, Named
from clipdesk.network.opened import OpenModel
from clipdesk.render.targets import Unit

WRITTEN = Path(__file__).parents[1] / "data" / "c01ae89"
LAYER = "visual.conv1"
PICTURE = "neuron_3_visual.conv1_20261128-090911.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of all files; the queue's jobs go into it."""
    shutil.copytree(WRITTEN, tmp_path / "old")
    with closing(sqlite3.connect(tmp_path / "old" / "queue.sqlite")) as db, db:
        db.execute("UPDATE jobs SET folder = ?", (str(tmp_path / "old"),))
    return tmp_path / "old"


@pytest.fixture
def executor(demo: CLIP) -> Here:
    """The embedded model, with the weights' checksum of that time."""
    return Here(opened=OpenModel.of(demo, name=Named("demo"), sha256=read_recipe(WRITTEN / PICTURE).weights))


def units(*indices: int) -> tuple[Unit, ...]:
    return tuple(Unit(layer=LAYER, index=index) for index in indices)


def test_the_queue_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    store, notice = open_store(folder / "queue.sqlite")
    assert notice is None
    first, second = store.jobs()
    assert (first.status, second.status) == (Status.WAITING, Status.CANCELLED)
    assert isinstance(first.job, Job)
    assert (first.job.model, first.job.weights, first.job.units) == (Named("demo"), None, units(3, 9000, 5))
    assert (first.folder, first.skip, first.urgent, first.job.seed_base) == (folder, True, False, 40)
    assert [unit.state for unit in store.units(1)] == ["done", "failed", "waiting"]
    assert store.units(1)[0].file == PICTURE
    assert "has no channel 9000" in store.units(1)[1].reason
    # The path of a checkpoint was kept as it was typed; test_older.py says what becomes of such a job.
    assert second.job.model == Checkpoint(Path("mine.pt"))
    assert store.unreadable() == []
    store.close()


def test_a_queue_goes_on(folder: Path, executor: Here) -> None:
    with closing(QueueService(folder / "queue.sqlite", executor)) as service:
        seen = [step.event for step in service.steps()]
        (saved,) = (event for event in seen if isinstance(event, Saved))
        assert saved.target == Unit(layer=LAYER, index=5)
        assert saved.result.settings.seed == 45
        assert not any(isinstance(event, (Skipped, Failure)) for event in seen)
        assert service.store.get(1).counts == {"done": 2, "failed": 1}
        assert service.store.get(1).job.weights == read_recipe(WRITTEN / PICTURE).weights, "from now on no others"
        assert service.store.retry(1) == 1
        assert [type(step.event).__name__ for step in service.steps()] == ["Began", "Failure", "Ended"]
    assert sorted(BatchMetadata.open(folder, LAYER, "demo").units) == [3, 5]


def test_jobs_of_both_versions_are_in_one_queue(folder: Path, executor: Here) -> None:
    with closing(QueueService(folder / "queue.sqlite", executor)) as service:
        job = service.store.get(1).job
        number = service.add(job.part([0]), folder)
        urgent = service.add(job.part([2]), folder, urgent=True)
        order = [step.stored.number for step in service.steps() if isinstance(step.event, (Saved, Skipped))]
        assert order == [urgent, 1, number]
        assert service.store.clear() == 4


def test_a_picture_that_is_there_is_skipped(folder: Path, executor: Here) -> None:
    store = JobStore(folder / "queue.sqlite")
    job = store.get(1).job
    store.close()
    with closing(QueueService(None, executor)) as service:
        service.add(job.part([0]), folder)
        (skipped,) = (step.event for step in service.steps() if isinstance(step.event, Skipped))
    assert skipped.path == folder / PICTURE


def test_a_picture_has_its_recipe(folder: Path) -> None:
    recipe = read_recipe(folder / PICTURE)
    assert (recipe.model, recipe.target, recipe.steps, recipe.settings.seed) == ("demo", units(3)[0], 2, 43)
    job = Job.from_recipe(recipe)
    assert (job.model, job.weights, job.targets) == (Named("demo"), recipe.weights, units(3))


def test_the_metadata_is_read_and_goes_on(folder: Path) -> None:
    before = BatchMetadata.open(folder, LAYER, "demo")
    record = before.units[3]
    assert (record.status, record.file) == ("done", PICTURE)
    writer = MetadataWriter(folder, LAYER, "demo")
    writer.note(7, record)
    writer.settle()
    after = json.loads(BatchMetadata.path(folder, LAYER).read_text())
    written = json.loads((WRITTEN / f"{LAYER}_metadata.json").read_text())
    # That version did not know what had become of a picture, nor any latents or checks.
    written["units"]["3"] |= {"outcome": None, "active": None, "check": None, "worker": None}
    # Nor had it these settings, which are as it rendered, and it kept the newest record of a unit alone.
    written["units"]["3"]["parameters"] |= {
        "rectifier_gradient": 0.1,
        "patience": 0,
        "latent_gradient": "turning",
        "text_direction": "whole",
    }
    written["earlier"] = {}
    assert after["units"].pop("7") == written["units"]["3"]
    assert after == written


@pytest.mark.parametrize("kept", ["mine.pt", "models/mine.pt", "./models/mine.pt"])
def test_metadata_of_a_checkpoint_whose_path_was_kept_as_it_was_typed(folder: Path, tmp_path: Path, kept: str) -> None:
    path = BatchMetadata.path(folder, LAYER)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": kept}))
    assert list(BatchMetadata.open(folder, LAYER, str(tmp_path / "models" / "mine.pt")).units) == [3]
