import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from clipdesk.export.png import read_recipe
from clipdesk.jobs.events import Began, Ended, Event, Paused, Progress, Saved
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import run_job
from clipdesk.jobs.service import QueueService, Step
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore
from clipdesk.models.transfer import Transfer
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import serve_model
from tests.servers import ModelServer

LAYER = "visual.transformer.resblocks.1.mlp.gelu"


def drain(
    store: JobStore,
    *,
    numbers: set[int] | None = None,
    stop: Callable[[], bool] = lambda: False,
    wait: bool = False,
    transfer: Callable[[Transfer], object] = lambda _: None,
) -> Iterator[Step]:
    """Work through the queue as a process of its own does it."""
    with closing(QueueService(store.path, Here())) as service:
        yield from service.steps(numbers=numbers, stop=stop, wait=wait, transfer=transfer)


def kinds(steps: list[Step]) -> list[str]:
    """What became of the units."""
    return [type(step.event).__name__ for step in steps if not isinstance(step.event, (Began, Progress, Ended))]


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return bytes(image.tobytes())


def files_of(store: JobStore, number: int) -> list[str]:
    return [unit.file for unit in store.units(number)]


def test_what_waits_is_rendered(store: JobStore, add: Callable[..., int], tmp_path: Path) -> None:
    first, second = add(1, 2), add(3)
    assert kinds(list(drain(store))) == ["Saved"] * 3
    assert [stored.status for stored in store.jobs()] == [Status.DONE, Status.DONE]
    files = files_of(store, first)
    assert read_recipe(tmp_path / "out" / files[1]).target == Unit(layer=LAYER, index=2)
    data = json.loads((tmp_path / "out" / f"{LAYER}_metadata.json").read_text())
    assert {unit["file"] for unit in data["units"].values()} == {*files, *files_of(store, second)}


def test_only_one_job_if_asked(store: JobStore, add: Callable[..., int]) -> None:
    first, second = add(1), add(2)
    list(drain(store, numbers={second}))
    assert [store.get(number).status for number in (first, second)] == [Status.WAITING, Status.DONE]


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
    assert [store.get(number).status for number in numbers] == [Status.FAILED, Status.FAILED, Status.DONE]
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


def test_a_stop_keeps_what_was_reached_and_its_units_wait(
    store: JobStore, add: Callable[..., int], tmp_path: Path
) -> None:
    number = add(*range(9), iterations=50)
    seen: list[Step] = []
    for step in drain(store, stop=lambda: len(seen) > 3):
        seen.append(step)
    assert kinds(seen) == ["Saved"] * 8
    assert store.get(number).counts == {"waiting": 9}
    kept = sorted((tmp_path / "out").glob("*.png"))
    assert len(kept) == 8
    assert not any(read_recipe(path).complete for path in kept)
    assert kinds(list(drain(store))) == ["Saved"] * 9, "and they are not taken for finished"
    pictures = sorted((tmp_path / "out").glob("*.png"))
    assert len(pictures) == 9, "the finished pictures are in the places of those that were only begun"
    assert set(kept) < set(pictures)
    assert all(read_recipe(path).complete for path in pictures)
    data = json.loads((tmp_path / "out" / f"{LAYER}_metadata.json").read_text())
    assert {unit["status"] for unit in data["units"].values()} == {"done"}


def test_a_paused_job_stands_as_it_is_and_goes_on_from_there(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("clipdesk.jobs.working.LOOK_SECONDS", 0.0)
    number, other = add(1, iterations=40), add(2)
    seen: list[int] = []
    pauses = 0
    for step in drain(store, wait=True):
        if isinstance(step.event, Progress) and step.stored.number == number:
            seen.append(step.event.step)
            if seen == [1, 2, 3]:
                store.wish(number, Wish.PAUSE)
        elif isinstance(step.event, Paused):
            pauses += 1
            assert seen == [1, 2, 3]
            assert store.get(number).status is Status.PAUSED
        elif isinstance(step.event, Saved) and step.stored.number == other:
            # Meanwhile the next one was rendered.
            assert store.get(number).status is Status.PAUSED
            store.wish(number, Wish.RUN)
    assert (pauses, seen) == (1, list(range(1, 41)))
    paused = tmp_path / "out" / files_of(store, number)[0]
    again = add(1, iterations=40, skip=False)
    list(drain(store))
    assert pixels(paused) == pixels(tmp_path / "out" / files_of(store, again)[0])


@pytest.mark.parametrize("held", [False, True])
def test_what_a_cancelled_job_had_reached_is_kept(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch, held: bool, tmp_path: Path
) -> None:
    monkeypatch.setattr("clipdesk.jobs.working.LOOK_SECONDS", 0.0)
    number = add(1, iterations=5000)
    seen: list[Step] = []
    for step in drain(store, wait=True):
        seen.append(step)
        if isinstance(step.event, Progress):
            assert step.event.step < 10
            store.wish(number, Wish.PAUSE if held else Wish.CANCEL)
        elif isinstance(step.event, Paused):
            store.wish(number, Wish.CANCEL)
    assert kinds(seen) == ["Paused", "Saved"] if held else ["Saved"]
    assert seen[-1].event == Ended(Status.CANCELLED)
    assert store.get(number).status is Status.CANCELLED
    assert store.get(number).counts == {"waiting": 1}
    (picture,) = (tmp_path / "out").glob("*.png")
    assert 1 <= read_recipe(picture).steps < 10
    data = json.loads((tmp_path / "out" / f"{LAYER}_metadata.json").read_text())
    assert (data["units"]["1"]["status"], data["units"]["1"]["file"]) == ("interrupted", picture.name)


def test_who_waits_for_a_paused_job_can_be_stopped(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.jobs.working.LOOK_SECONDS", 0.0)
    number = add(1, iterations=5000)
    paused: list[Step] = []
    for step in drain(store, wait=True, stop=lambda: bool(paused)):
        if isinstance(step.event, Progress):
            store.wish(number, Wish.PAUSE)
        elif isinstance(step.event, Paused):
            paused.append(step)
    assert store.get(number).counts == {"waiting": 1}


def test_without_waiting_a_paused_job_is_given_back(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.jobs.working.LOOK_SECONDS", 0.0)
    number, other = add(1, iterations=5000), add(2)
    seen: list[Step] = []
    for step in drain(store):
        seen.append(step)
        if isinstance(step.event, Progress) and step.stored.number == number:
            store.wish(number, Wish.PAUSE)
    assert kinds(seen) == ["Paused", "Saved"]
    assert store.get(number).counts == {"waiting": 1}
    assert store.get(other).status is Status.DONE


def test_the_steps_of_a_job_begin_and_end(store: JobStore, add: Callable[..., int]) -> None:
    number = add(1, iterations=2)
    seen = list(drain(store))
    assert [type(step.event).__name__ for step in seen] == ["Began", "Progress", "Progress", "Saved", "Ended"]
    assert {step.stored.number for step in seen} == {number}
    assert seen[-1].event == Ended(Status.DONE)


def test_a_job_of_another_version_holds_up_no_other(store: JobStore, add: Callable[..., int]) -> None:
    odd, number = add(1), add(2)
    with sqlite3.connect(store.path or "") as db:
        db.execute("UPDATE jobs SET job = ? WHERE id = ?", ('{"odd": 1}', odd))
    db.close()
    assert kinds(list(drain(store))) == ["Saved"]
    assert store.get(number).status is Status.DONE
    assert store.unreadable() == [odd]


def test_an_error_that_nobody_expected_fails_its_units_and_the_queue_goes_on(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other = add(1, 2), add(3)

    def broken(opened: OpenModel, job: Job, **_: object) -> Iterator[Event]:
        if len(job.targets) == 2:
            raise ValueError("strange\nand long")
        return run_job(opened, job)

    monkeypatch.setattr("clipdesk.jobs.here.run_job", broken)
    assert kinds(list(drain(store))) == ["Failure", "Failure", "Saved"]
    assert store.get(other).status is Status.DONE
    reasons = {unit.reason for unit in store.units(number)}
    assert len(reasons) == 1
    assert reasons.pop().startswith("ValueError: strange. Details are in ")


@pytest.fixture
def server(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with serve_model("ViT-B/32", checkpoint.read_bytes(), monkeypatch, tmp_path) as server:
        yield server


def test_a_model_is_downloaded_first(store: JobStore, add: Callable[..., int], server: ModelServer) -> None:
    number = add(1, 2, model=Path("ViT-B/32"))
    told: list[Transfer] = []
    assert kinds(list(drain(store, transfer=told.append))) == ["Saved", "Saved"]
    assert store.get(number).status is Status.DONE
    assert told[-1].share == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.CANCEL, None])
def test_a_download_ends_when_its_job_is_not_to_run(
    store: JobStore,
    add: Callable[..., int],
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    wish: Wish | None,
) -> None:
    monkeypatch.setattr("clipdesk.jobs.working.LOOK_SECONDS", 0.0)
    server.answers.append("stall")
    number = add(1, model=Path("ViT-B/32"))
    stop = threading.Event()

    def progress(transfer: Transfer) -> None:
        if transfer.done and wish:
            store.wish(number, wish)
        elif transfer.done:
            stop.set()

    assert list(drain(store, transfer=progress, stop=stop.is_set)) == []
    assert store.get(number).counts == {"waiting": 1}
    store.wish(number, Wish.RUN)
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


def test_a_full_disk_pauses_the_job_and_leaves_nothing_half_written(
    store: JobStore, checkpoint: Path, tiny_disk: Path
) -> None:
    targets = tuple(Unit(layer=LAYER, index=i) for i in range(8))
    # Pictures of noise, 25 kB each.
    settings = make_settings("classic", iterations=1, image_size=96, device="cpu")
    number = store.add(Job(model=str(checkpoint), targets=targets, settings=settings), tiny_disk)
    list(drain(store))
    counts = store.get(number).counts
    assert counts["done"] >= 1
    assert counts["done"] + counts["waiting"] == 8
    assert (store.get(number).status, "the disk is full" in store.get(number).reason) == (Status.PAUSED, True)
    pictures = [path for path in tiny_disk.iterdir() if path.suffix == ".png"]
    assert sorted(path.name for path in pictures) == sorted(filter(None, files_of(store, number)))
    assert all(read_recipe(path).complete for path in pictures)
    assert not list(tiny_disk.glob("*.partial"))
    subprocess.run(["mount", "-o", "remount,size=1m", str(tiny_disk)], check=True)
    store.wish(number, Wish.RUN)
    list(drain(store))
    assert store.get(number).counts == {"done": 8}
    assert len(list(tiny_disk.glob("*.png"))) == 8
    assert not [path for path in tiny_disk.iterdir() if path.name.startswith(".")]
