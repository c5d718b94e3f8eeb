import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clipdesk.jobs.batch import Saved
from clipdesk.jobs.drain import Paused, Step, drain
from PIL import Image

from clipdesk.export.png import read_recipe
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Progress
from clipdesk.jobs.store import JobState, JobStore
from clipdesk.models.transfer import Transfer
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import serve_model
from tests.servers import ModelServer

LAYER = "visual.transformer.resblocks.1.mlp.gelu"


@pytest.fixture
def add(store: JobStore, checkpoint: Path, tmp_path: Path) -> Callable[..., int]:
    def add(*indices: int, layer: str = LAYER, model: Path = checkpoint, iterations: int = 2, skip: bool = True) -> int:
        targets = tuple(Unit(layer=layer, index=i) for i in indices)
        settings = make_settings(iterations=iterations, device="cpu")
        return store.add(Job(model=str(model), targets=targets, settings=settings), tmp_path / "out", skip=skip)

    return add


def kinds(steps: list[Step]) -> list[str]:
    return [type(step.event).__name__ for step in steps if not isinstance(step.event, Progress)]


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return bytes(image.tobytes())


def files_of(store: JobStore, number: int) -> list[str]:
    return [unit.file for unit in store.units(number)]


def test_what_waits_is_rendered(store: JobStore, add: Callable[..., int], tmp_path: Path) -> None:
    first, second = add(1, 2), add(3)
    assert kinds(list(drain(store))) == ["Saved"] * 3
    assert [stored.status for stored in store.jobs()] == ["done", "done"]
    files = files_of(store, first)
    assert read_recipe(tmp_path / "out" / files[1]).target == Unit(layer=LAYER, index=2)
    data = json.loads((tmp_path / "out" / f"{LAYER}_metadata.json").read_text())
    assert {unit["file"] for unit in data["units"].values()} == {*files, *files_of(store, second)}


def test_only_one_job_if_asked(store: JobStore, add: Callable[..., int]) -> None:
    first, second = add(1), add(2)
    list(drain(store, number=second))
    assert [store.get(number).status for number in (first, second)] == ["waiting", "done"]


def test_what_is_in_the_folder_is_skipped_unless_it_is_to_be_made_anew(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(1)
    list(drain(store))
    add(1)
    assert kinds(list(drain(store))) == ["Skipped"]
    monkeypatch.setattr("clipdesk.jobs.store._now", lambda: "2999-01-01T00:00:00+00:00")
    add(1, skip=False)
    assert kinds(list(drain(store))) == ["Saved"]


def test_a_picture_that_a_killed_process_did_not_note_is_taken_over(
    store: JobStore, add: Callable[..., int], tmp_path: Path
) -> None:
    add(1, 2)
    list(drain(store))
    metadata = tmp_path / "out" / f"{LAYER}_metadata.json"
    before = json.loads(metadata.read_text())
    metadata.unlink()
    add(1, 2)
    assert kinds(list(drain(store))) == ["Skipped", "Skipped"]
    assert json.loads(metadata.read_text()) == before


def test_a_changed_file_is_rendered_again(store: JobStore, add: Callable[..., int], tmp_path: Path) -> None:
    number = add(1)
    list(drain(store))
    path = tmp_path / "out" / files_of(store, number)[0]
    path.write_bytes(path.read_bytes()[:-40])
    add(1)
    assert kinds(list(drain(store))) == ["Saved"]


def test_a_job_that_cannot_run_fails_alone(store: JobStore, add: Callable[..., int], tmp_path: Path) -> None:
    numbers = [add(1, model=tmp_path / "none.pt"), add(1, layer="visual.nowhere"), add(7)]
    assert kinds(list(drain(store))) == ["Failure", "Failure", "Saved"]
    assert [store.get(number).status for number in numbers] == ["failed", "failed", "done"]
    assert "none.pt" in store.units(numbers[0])[0].reason
    assert "There is no layer" in store.units(numbers[1])[0].reason


def test_a_folder_that_goes_away_fails_what_was_for_it(
    store: JobStore, add: Callable[..., int], tmp_path: Path
) -> None:
    number = add(*range(9))
    for step in drain(store):
        if isinstance(step.event, Saved):
            for path in (tmp_path / "out").iterdir():
                path.unlink()
            (tmp_path / "out").rmdir()
            (tmp_path / "out").write_text("not a folder any more")
    assert store.get(number).counts == {"done": 1, "failed": 8}
    assert "Cannot write" in store.units(number)[8].reason


def test_stopping_gives_back_what_was_not_finished(store: JobStore, add: Callable[..., int], tmp_path: Path) -> None:
    number = add(*range(9), iterations=50)
    seen: list[Step] = []
    for step in drain(store, stop=lambda: len(seen) > 3):
        seen.append(step)
    assert kinds(seen) == []
    assert store.get(number).counts == {"waiting": 9}
    assert list((tmp_path / "out").iterdir()) == []


def test_a_paused_job_stands_as_it_is_and_goes_on_from_there(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("clipdesk.jobs.drain._LOOK_SECONDS", 0.0)
    number, other = add(1, iterations=40), add(2)
    seen: list[int] = []
    pauses = 0
    for step in drain(store):
        if isinstance(step.event, Progress) and step.stored.number == number:
            seen.append(step.event.frame.step)
            if seen == [1, 2, 3]:
                store.set_state(number, JobState.PAUSED)
        elif isinstance(step.event, Paused):
            pauses += 1
            assert seen == [1, 2, 3]
            assert store.get(number).status == "paused"
        elif isinstance(step.event, Saved) and step.stored.number == other:
            # Meanwhile the next one was rendered.
            assert store.get(number).status == "paused"
            store.set_state(number, JobState.OPEN)
    assert (pauses, seen) == (1, list(range(1, 41)))
    paused = tmp_path / "out" / files_of(store, number)[0]
    again = add(1, iterations=40, skip=False)
    list(drain(store))
    assert pixels(paused) == pixels(tmp_path / "out" / files_of(store, again)[0])


@pytest.mark.parametrize("held", [False, True])
def test_a_job_that_is_cancelled_meanwhile_ends(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch, held: bool, tmp_path: Path
) -> None:
    monkeypatch.setattr("clipdesk.jobs.drain._LOOK_SECONDS", 0.0)
    number = add(1, iterations=5000)
    for step in drain(store):
        if isinstance(step.event, Progress):
            assert step.event.frame.step < 10
            store.set_state(number, JobState.PAUSED if held else JobState.CANCELLED)
        elif isinstance(step.event, Paused):
            store.set_state(number, JobState.CANCELLED)
    assert store.get(number).status == "cancelled"
    assert store.get(number).counts == {"waiting": 1}
    assert list((tmp_path / "out").iterdir()) == []


def test_who_waits_for_a_paused_job_can_be_stopped(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.jobs.drain._LOOK_SECONDS", 0.0)
    number = add(1, iterations=5000)
    paused: list[Step] = []
    for step in drain(store, stop=lambda: bool(paused)):
        if isinstance(step.event, Progress):
            store.set_state(number, JobState.PAUSED)
        else:
            paused.append(step)
    assert store.get(number).counts == {"waiting": 1}


@pytest.fixture
def server(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with serve_model("ViT-B/32", checkpoint.read_bytes(), monkeypatch, tmp_path) as server:
        yield server


def test_a_model_is_downloaded_first(store: JobStore, add: Callable[..., int], server: ModelServer) -> None:
    number = add(1, 2, model=Path("ViT-B/32"))
    told: list[Transfer] = []
    assert kinds(list(drain(store, progress=told.append))) == ["Saved", "Saved"]
    assert store.get(number).status == "done"
    assert told[-1].share == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.CANCELLED, None])
def test_a_download_ends_when_its_job_is_not_to_run(
    store: JobStore,
    add: Callable[..., int],
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    state: JobState | None,
) -> None:
    monkeypatch.setattr("clipdesk.jobs.drain._LOOK_SECONDS", 0.0)
    server.answers.append("stall")
    number = add(1, model=Path("ViT-B/32"))
    stop = threading.Event()

    def progress(transfer: Transfer) -> None:
        if transfer.done and state:
            store.set_state(number, state)
        elif transfer.done:
            stop.set()

    assert list(drain(store, progress=progress, stop=stop.is_set)) == []
    assert store.get(number).counts == {"waiting": 1}
    store.set_state(number, JobState.OPEN)
    assert kinds(list(drain(store))) == ["Saved"]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux can make a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("no disk can be made here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_fails_what_does_not_fit_and_leaves_nothing_half_written(
    store: JobStore, checkpoint: Path, tiny_disk: Path
) -> None:
    targets = tuple(Unit(layer=LAYER, index=i) for i in range(8))
    # Pictures of noise, 25 kB each.
    settings = make_settings("classic", iterations=1, image_size=96, device="cpu")
    number = store.add(Job(model=str(checkpoint), targets=targets, settings=settings), tiny_disk)
    list(drain(store))
    counts = store.get(number).counts
    assert counts["done"] >= 1
    assert counts["done"] + counts["failed"] == 8
    assert any("the disk is full" in unit.reason for unit in store.units(number))
    pictures = [path for path in tiny_disk.iterdir() if path.suffix == ".png"]
    assert sorted(path.name for path in pictures) == sorted(filter(None, files_of(store, number)))
    assert all(read_recipe(path).complete for path in pictures)
    assert not [path for path in tiny_disk.iterdir() if path.name.startswith(".")]
