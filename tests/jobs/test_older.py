"""Jobs of ClipDesk 0.1, whose checkpoint has a relative path and whose weights are not known."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import torch

from clipdesk.checksums import file_sha256
from clipdesk.export.png import read_recipe, save_png
from clipdesk.jobs.events import Failure, Saved, UnitEvent
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.older import take_over
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import JobStore
from clipdesk.models.names import Checkpoint, is_relative
from clipdesk.network.pool import ModelPool
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER, small_vit

MakeOld = Callable[..., int]


def save(path: Path, seed: int) -> str:
    """Write a small model; the checksum of its file."""
    path.parent.mkdir(exist_ok=True)
    torch.save({name: value.half() for name, value in small_vit(seed).state_dict().items()}, path)
    return file_sha256(path)


def job(*indices: int, model: str | Path) -> Job:
    targets = tuple(Unit(layer=VIT_LAYER, index=index) for index in indices)
    return Job(model=model, targets=targets, settings=make_settings(iterations=2, views=1, device="cpu"))


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Folders a and b, each with another mine.pt; work begins in a. The checksum of a's."""
    found = save(tmp_path / "a" / "mine.pt", 0)
    save(tmp_path / "b" / "mine.pt", 1)
    monkeypatch.chdir(tmp_path / "a")
    return found


@pytest.fixture
def add_old(store: JobStore, tmp_path: Path, mine: str) -> MakeOld:
    """Adds a job as ClipDesk 0.1 wrote it."""

    def add_old(*indices: int, typed: str = "mine.pt", made: int = 0) -> int:
        asked = job(*indices, model=typed)
        if made:
            with closing(QueueService(None, Here(ModelPool()))) as service:
                service.add(asked.part(range(made)), tmp_path / "out")
                saved = [step.event for step in service.steps() if isinstance(step.event, Saved)]
        number = store.add(asked, tmp_path / "out")
        for position in range(made):
            path = saved[position].path
            recipe = read_recipe(path).model_copy(update={"model": typed})
            save_png(saved[position].result.image, path, recipe, saved[position].result.curve)
            store.finish(number, position, file=path.name)
        with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as db, db:
            values = json.loads(asked.written()) | {"model": typed}
            text = json.dumps({name: value for name, value in values.items() if name not in ("kind", "weights")})
            db.execute("UPDATE jobs SET job = ? WHERE id = ?", (text, number))
        return number

    return add_old


def work(store: JobStore) -> list[UnitEvent]:
    with closing(QueueService(store.path, Here(ModelPool()))) as service:
        return [step.event for step in service.steps() if isinstance(step.event, UnitEvent)]


def test_a_relative_path_is_kept_as_it_was_written(store: JobStore, add_old: MakeOld, tmp_path: Path) -> None:
    first = store.get(add_old(1)).job.model
    assert (str(first), is_relative(first)) == ("mine.pt", True)
    second = store.get(add_old(1, typed=str(tmp_path / "mine.pt"))).job.model
    assert (second, is_relative(second)) == (Checkpoint(tmp_path / "mine.pt"), False)
    third = store.get(add_old(1, typed="open_clip:ViT-B-32/[mine.pt]")).job.model
    assert (third, is_relative(third)) == (Checkpoint(Path("mine.pt"), "ViT-B-32"), True)


def test_a_job_without_a_picture_is_refused_and_not_done_with_the_file_that_happens_to_be_there(
    store: JobStore, add_old: MakeOld
) -> None:
    number = add_old(1, 2)
    ended = work(store)
    assert [type(event) for event in ended] == [Failure, Failure]
    for unit in store.units(number):
        assert unit.reason == (
            "This job was queued by an older ClipDesk, which did not keep the folder of 'mine.pt'. Cancel job "
            f"{number}, and give its command again in the right folder"
        )


def test_a_job_that_has_made_a_picture_goes_on_with_its_weights(
    store: JobStore, add_old: MakeOld, mine: str, tmp_path: Path
) -> None:
    number = add_old(1, 2, made=1)
    (saved,) = work(store)
    assert isinstance(saved, Saved)
    assert saved.result.recipe.weights == mine
    found = store.get(number).job
    assert (found.model, found.weights) == (Checkpoint(tmp_path / "a" / "mine.pt"), mine)


def test_a_job_that_has_made_a_picture_takes_no_other_weights(
    store: JobStore, add_old: MakeOld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_old(1, 2, made=1)
    monkeypatch.chdir(tmp_path / "b")
    (failure,) = work(store)
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("mine.pt is another file now than the one this was made with")


def test_a_full_path_needs_no_picture(store: JobStore, add_old: MakeOld, mine: str, tmp_path: Path) -> None:
    number = add_old(1, typed=str(tmp_path / "a" / "mine.pt"))
    assert [type(event) for event in work(store)] == [Saved]
    assert store.get(number).job.weights == mine


@pytest.mark.parametrize("made", [0, 1])
def test_the_same_job_goes_on(store: JobStore, add_old: MakeOld, mine: str, tmp_path: Path, made: int) -> None:
    number = add_old(1, 2, made=made)
    asked = job(1, 2, model="mine.pt").with_weights(mine)
    assert take_over(store, asked.part([0]), tmp_path / "out") is None
    assert take_over(store, asked, tmp_path / "elsewhere") is None
    assert take_over(store, asked, tmp_path / "out", skip=False) is None
    assert take_over(store, asked, tmp_path / "out") == number
    assert store.get(number).job == asked
    assert [type(event) for event in work(store)] == [Saved] * (2 - made)


def test_a_job_whose_pictures_have_other_weights_does_not_go_on(
    store: JobStore, add_old: MakeOld, tmp_path: Path
) -> None:
    add_old(1, 2, made=1)
    other = file_sha256(tmp_path / "b" / "mine.pt")
    assert take_over(store, job(1, 2, model="mine.pt").with_weights(other), tmp_path / "out") is None
