from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, tzinfo
from pathlib import Path

import numpy as np
import pytest
from clip.model import CLIP
from numpy.typing import NDArray

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export import png
from clipdesk.export.metadata import BatchMetadata
from clipdesk.export.png import read_recipe
from clipdesk.export.recipe import Recipe
from clipdesk.export.sheet import find_pictures
from clipdesk.jobs import saving
from clipdesk.jobs.events import Event, Failure, Progress, Result, Saved, Skipped
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.saving import PictureFolder
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Wish
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Text, Unit
from tests.conftest import small_vit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
UNIT_EVENTS = (Saved, Skipped, Failure)
SMALL = Path("small").absolute()
OTHER = Path("other").absolute()


def job(
    *indices: int, iterations: int = 2, seed_base: int | None = None, layer: str = LAYER, model: Path = SMALL
) -> Job:
    targets = tuple(Unit(layer=layer, index=i) for i in indices)
    settings = make_settings(iterations=iterations, device="cpu")
    return Job(model=model, targets=targets, settings=settings, seed_base=seed_base)


def run(
    model: CLIP,
    asked: Job,
    folder: Path | None,
    *,
    skip: bool = True,
    names: Sequence[str] = (),
    listed: bool = True,
) -> Iterator[Event]:
    """What happens when a queue in memory works on a job alone."""
    with closing(QueueService(None, Here(opened=OpenModel.of(model)))) as service:
        service.add(asked, folder, skip=skip, names=names, listed=listed)
        for step in service.steps():
            yield step.event


def events(model: CLIP, asked: Job, folder: Path, *, skip: bool = True) -> tuple[list[Path], list[Path]]:
    """Paths saved, paths skipped."""
    seen = list(run(model, asked, folder, skip=skip))
    saved = [event.path for event in seen if isinstance(event, Saved)]
    return saved, [event.path for event in seen if isinstance(event, Skipped)]


def test_the_folder_says_what_was_made(vit: CLIP, tmp_path: Path) -> None:
    saved, skipped = events(vit, job(0, 8, seed_base=50), tmp_path / "out")
    assert (len(saved), skipped) == (2, [])
    data = json.loads((tmp_path / "out" / f"{LAYER}_metadata.json").read_text())
    assert (data["version"], data["model"], data["layer"]) == (1, str(SMALL), LAYER)
    record = data["units"]["8"]
    assert (record["status"], record["parameters"]["seed"], record["file"]) == ("done", 58, saved[1].name)
    assert record["outcome"] == read_recipe(saved[1]).outcome.value
    assert read_recipe(saved[1]).target == Unit(layer=LAYER, index=8)
    curve = png.read_png(saved[1]).curve
    assert curve is not None
    assert len(curve) == 2
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".png", ".json"}


def test_what_is_there_is_skipped(vit: CLIP, tmp_path: Path) -> None:
    first, _ = events(vit, job(0, 1), tmp_path)
    assert events(vit, job(0, 1), tmp_path) == ([], first)
    saved, skipped = events(vit, job(0, 1, 2), tmp_path)
    assert (len(saved), skipped) == (1, first)


class Moments:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_pictures_that_come_and_go_meanwhile_are_seen(vit: CLIP, tmp_path: Path) -> None:
    first, _ = events(vit, job(0, 1), tmp_path)
    kept = first[0].read_bytes()
    folder = PictureFolder(tmp_path, job(0, 1).with_weights(read_recipe(first[0]).weights))
    # As after a crash, nothing is noted.
    BatchMetadata.path(tmp_path, LAYER).unlink()

    def found() -> list[Path]:
        return [each.path for each in folder.find(job(0, 1).targets) if isinstance(each, Skipped)]

    assert found() == first
    first[0].unlink()
    assert found() == first[1:]
    newer = first[0].with_name(first[0].name.replace(".png", "-2.png"))
    newer.write_bytes(kept)
    assert found() == [newer, first[1]]


def test_a_change_in_the_tick_of_a_share_whose_clock_is_behind_is_seen(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, second), _ = events(vit, job(0, 1), tmp_path)
    kept = second.read_bytes()
    second.unlink()
    BatchMetadata.path(tmp_path, LAYER).unlink()
    now, listings = Moments(), list[Path]()

    def listed(path: Path) -> list[str]:
        listings.append(path)
        return [each.name for each in os.scandir(path)]

    monkeypatch.setattr("clipdesk.jobs.saving.time.monotonic", now)
    monkeypatch.setattr("clipdesk.jobs.saving.os.listdir", listed)
    folder = PictureFolder(tmp_path, job(0, 1).with_weights(read_recipe(first).weights))

    def found() -> list[Path]:
        # The folder has changed in the same tick each time, an hour ago by this computer's clock.
        hour_ago = (time.time() // 3600 - 1) * 3600
        os.utime(tmp_path, (hour_ago, hour_ago))
        return [each.path for each in folder.find(job(0, 1).targets) if isinstance(each, Skipped)]

    assert found() == [first]
    second.write_bytes(kept)
    assert found() == [first, second]
    now.seconds += 1.0
    found()
    count = len(listings)
    assert found() == [first, second]
    assert len(listings) == count, "a change after the tick would have another time"


def test_no_skip_renders_again_and_keeps_the_old_files(vit: CLIP, tmp_path: Path) -> None:
    first, _ = events(vit, job(0), tmp_path)
    second, _ = events(vit, job(0), tmp_path, skip=False)
    assert first != second
    assert first[0].exists()


@pytest.mark.parametrize("change", [{"iterations": 3}, {"seed_base": 5}])
def test_other_settings_are_rendered_again(vit: CLIP, tmp_path: Path, change: dict[str, int]) -> None:
    events(vit, job(0), tmp_path)
    saved, skipped = events(vit, job(0, **change), tmp_path)  # type: ignore[arg-type]
    assert (len(saved), skipped) == (1, [])


@pytest.mark.parametrize("damage", ["truncate", "delete"])
def test_a_damaged_picture_is_rendered_again(vit: CLIP, tmp_path: Path, damage: str) -> None:
    (path,), _ = events(vit, job(0), tmp_path)
    if damage == "delete":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-200])
    saved, skipped = events(vit, job(0), tmp_path)
    assert (len(saved), skipped) == (1, [])


@pytest.mark.parametrize("how", ["cancelled", "stopped"])
def test_what_was_reached_is_kept_and_the_finished_picture_replaces_it(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("clipdesk.jobs.working.LOOK_SECONDS", 0.0)
    seen: list[Event] = []

    def stop() -> bool:
        return how == "stopped" and any(isinstance(event, Progress) for event in seen)

    with closing(QueueService(None, Here(opened=OpenModel.of(vit)))) as service:
        number = service.add(job(0, iterations=5), tmp_path)
        for step in service.steps(stop=stop):
            seen.append(step.event)
            if isinstance(step.event, Progress) and how == "cancelled":
                service.wish(number, Wish.CANCEL)
        (saved,) = (event for event in seen if isinstance(event, Saved))
        assert not saved.result.complete
        assert read_recipe(saved.path).steps == saved.result.recipe.steps < 5
        assert service.store.get(number).counts == {"waiting": 1}
        service.store.wish(number, Wish.RUN)
        list(service.steps())
        assert service.store.get(number).counts == {"done": 1}
    assert [path.name for path in tmp_path.glob("*.png")] == [saved.path.name]
    assert read_recipe(saved.path).complete
    record = BatchMetadata.open(tmp_path, LAYER, str(SMALL)).units[0]
    assert (record.status, record.file) == ("done", saved.path.name)


def test_what_was_reached_is_noted_as_interrupted_and_rendered_again(vit: CLIP, tmp_path: Path) -> None:
    with closing(QueueService(None, Here(opened=OpenModel.of(vit)))) as service:
        service.add(job(0), tmp_path)
        seen: list[Event] = []
        for step in service.steps(stop=lambda: any(isinstance(event, Progress) for event in seen)):
            seen.append(step.event)
    assert BatchMetadata.open(tmp_path, LAYER, str(SMALL)).units[0].status == "interrupted"
    assert len(events(vit, job(0), tmp_path)[0]) == 1


def test_files_that_have_a_name_are_written_over_and_not_noted(vit: CLIP, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    seen = list(run(vit, job(0, 1), tmp_path, skip=False, names=["a.png", "b.png"], listed=False))
    assert [event.path for event in seen if isinstance(event, Saved)] == [tmp_path / "a.png", tmp_path / "b.png"]
    assert read_recipe(tmp_path / "a.png").target == job(0).targets[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_failed_unit_is_noted_with_its_reason(vit: CLIP, tmp_path: Path) -> None:
    vit.get_parameter("visual.conv1.weight").fill_(float("nan"))
    seen = [event for event in run(vit, job(0, 1), tmp_path) if isinstance(event, UNIT_EVENTS)]
    assert all(isinstance(event, Failure) for event in seen)
    units = BatchMetadata.open(tmp_path, LAYER, str(SMALL)).units
    assert [(record.status, record.file) for record in units.values()] == [("failed", None)] * 2
    assert "not a number" in (units[1].reason or "")


def test_what_is_not_there_fails_alone(vit: CLIP, tmp_path: Path) -> None:
    targets: tuple[Target, ...] = (
        Unit(layer="../nowhere", index=0),
        Unit(layer=LAYER, index=999),
        Text(text="word " * 200),
        Unit(layer=LAYER, index=3),
        Text(text="a star"),
    )
    asked = job(0).model_copy(update={"targets": targets})
    seen = [event for event in run(vit, asked, tmp_path / "out") if not isinstance(event, Progress)]
    failed = {event.target: event.reason for event in seen if isinstance(event, Failure)}
    assert list(failed) == list(targets[:3])
    assert "There is no layer" in failed[targets[0]]
    assert "0 to 255" in failed[targets[1]]
    assert "The text is too long" in failed[targets[2]]
    assert [event.result.target for event in seen if isinstance(event, Saved)] == list(targets[3:])
    # A name that no layer has writes no file anywhere.
    assert [path.name for path in tmp_path.rglob("*.json")] == [f"{LAYER}_metadata.json"]


def test_a_picture_that_cannot_be_written_fails_alone(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = png.save_png

    def refused(image: NDArray[np.uint8], path: Path, recipe: Recipe, curve: png.Curve | None, *, new: bool) -> Path:
        if recipe.target == Unit(layer=LAYER, index=1):
            raise ClipDeskError(f"Cannot write {path}: permission denied. Choose another place")
        return save(image, path, recipe, curve, new=new)

    monkeypatch.setattr(saving, "save_png", refused)
    seen = list(run(vit, job(0, 1, 2), tmp_path))
    (failure,) = [event for event in seen if isinstance(event, Failure)]
    assert "permission denied" in failure.reason
    assert [event.result.target.label for event in seen if isinstance(event, Saved)] == [f"{LAYER}:0", f"{LAYER}:2"]
    records = BatchMetadata.open(tmp_path, LAYER, str(SMALL)).units
    assert [records[i].status for i in range(3)] == ["done", "failed", "done"]


@pytest.mark.parametrize(
    ("targets", "metadata"),
    [
        ((Unit(layer=LAYER, index=0), Unit(layer="visual.conv1", index=3)), 2),
        ((Text(text="a star"), Text(text="a star!")), 0),
    ],
)
def test_several_layers_and_texts_go_into_a_folder(
    vit: CLIP, tmp_path: Path, targets: tuple[Target, ...], metadata: int
) -> None:
    asked = job(0).model_copy(update={"targets": targets})
    saved, _ = events(vit, asked, tmp_path)
    assert [read_recipe(path).target for path in saved] == list(targets)
    assert len(list(tmp_path.glob("*_metadata.json"))) == metadata
    assert events(vit, asked, tmp_path) == ([], saved)


def test_damaged_metadata_is_not_overwritten(vit: CLIP, tmp_path: Path) -> None:
    path = BatchMetadata.path(tmp_path, LAYER)
    path.write_text('{"version": 1, "mod')
    failures = [event for event in run(vit, job(0, 1), tmp_path) if isinstance(event, UNIT_EVENTS)]
    for failure in failures:
        assert isinstance(failure, Failure)
        assert failure.reason == f"{path} is damaged. Move it away, or choose another folder"
    assert len(failures) == 2
    assert path.read_text() == '{"version": 1, "mod'
    assert not list(tmp_path.glob("*.png"))


def test_damaged_metadata_of_one_layer_fails_that_layer_alone(vit: CLIP, tmp_path: Path) -> None:
    other = Unit(layer="visual.conv1", index=3)
    asked = job(0, 1).model_copy(update={"targets": (*job(0, 1).targets, other)})
    BatchMetadata.path(tmp_path, LAYER).write_text('{"version": 1, "mod')
    ended = [event for event in run(vit, asked, tmp_path) if isinstance(event, UNIT_EVENTS)]
    assert [(type(event), event.target) for event in ended] == [
        *((Failure, target) for target in job(0, 1).targets),
        (Saved, other),
    ]
    assert list(BatchMetadata.open(tmp_path, "visual.conv1", str(SMALL)).units) == [3]


def test_a_folder_that_another_model_takes_meanwhile_gets_pictures_that_are_not_noted(
    vit: CLIP, tmp_path: Path
) -> None:
    (result,) = (event for event in run(vit, job(0), None) if isinstance(event, Result))
    late = PictureFolder(tmp_path, job(0, model=OTHER))
    assert late.find(job(0).targets) == []
    PictureFolder(tmp_path, job(0)).save(result)
    saved = late.save(result)
    assert isinstance(saved, Saved)
    assert "metadata is of another model's batch" in saved.note
    late.settle()
    assert len(list(tmp_path.glob("*.png"))) == 2
    assert BatchMetadata.open(tmp_path, LAYER, str(SMALL)).units[0].file != saved.path.name


def test_in_another_models_folder_pictures_are_saved_and_not_noted(vit: CLIP, tmp_path: Path) -> None:
    events(vit, job(0), tmp_path)
    before = BatchMetadata.path(tmp_path, LAYER).read_bytes()
    other = job(0, 1, model=OTHER)
    saved = [event for event in run(vit, other, tmp_path) if isinstance(event, Saved)]
    assert [event.target for event in saved] == list(other.targets)
    assert all("metadata is of another model's batch" in event.note for event in saved)
    assert BatchMetadata.path(tmp_path, LAYER).read_bytes() == before
    # Their recipes are enough to know them again.
    assert events(vit, other, tmp_path) == ([], [event.path for event in saved])
    with pytest.raises(UsageError, match=f"holds a batch of the model '{SMALL}'"):
        BatchMetadata.open(tmp_path, LAYER, str(OTHER))


def test_a_picture_on_other_weights_is_not_taken_for_the_same(vit: CLIP, tmp_path: Path) -> None:
    before, after = job(0).with_weights("a" * 64), job(0).with_weights("b" * 64)
    one, other = (OpenModel.of(vit, name=each.model, sha256=each.weights) for each in (before, after))
    for opened, asked in ((one, before), (other, after), (one, before)):
        with closing(QueueService(None, Here(opened=opened))) as service:
            service.add(asked, tmp_path)
            list(service.steps())
    pictures = sorted(read_recipe(path).weights or "" for path in tmp_path.glob("*.png"))
    assert pictures == ["a" * 64, "b" * 64]
    assert len(PictureFolder(tmp_path, before).find(before.targets)) == 1


def test_a_folder_that_was_moved_is_whole(vit: CLIP, tmp_path: Path) -> None:
    events(vit, job(0, 1), tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    saved, skipped = events(vit, job(0, 1), tmp_path / "there")
    assert (saved, len(skipped)) == ([], 2)
    assert [recipe.target for _, recipe in find_pictures(tmp_path / "there")] == list(job(0, 1).targets)


def test_two_batches_may_share_a_folder(vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 2)
    halves = [job(*range(0, 12)), job(*range(6, 18))]

    def work(model: CLIP, asked: Job) -> None:
        list(run(model, asked, tmp_path))

    threads = [threading.Thread(target=work, args=pair) for pair in zip((vit, small_vit()), halves, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    units = BatchMetadata.open(tmp_path, LAYER, str(SMALL)).units
    assert sorted(units) == list(range(18))
    for index, record in units.items():
        assert record.file is not None
        assert read_recipe(tmp_path / record.file).target == Unit(layer=LAYER, index=index)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_clock_that_goes_backwards_harms_nothing(vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Earlier:
            return cls(1999, 1, 1, tzinfo=tz)

    first, _ = events(vit, job(0), tmp_path)
    monkeypatch.setattr("clipdesk.jobs.saving.datetime", Earlier)
    monkeypatch.setattr("clipdesk.jobs.runner.datetime", Earlier)
    assert events(vit, job(0), tmp_path) == ([], first)
    second, _ = events(vit, job(0), tmp_path, skip=False)
    third, _ = events(vit, job(0), tmp_path, skip=False)
    assert len({*first, *second, *third}) == 3
    assert BatchMetadata.open(tmp_path, LAYER, str(SMALL)).units[0].file == third[0].name
    assert events(vit, job(0), tmp_path) == ([], third)
