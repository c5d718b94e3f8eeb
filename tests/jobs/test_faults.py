"""What goes wrong while the queue is worked through: each unit's state is right, and nothing is half written."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch
from torch import Tensor

from clipdesk import database
from clipdesk.database import StoreError
from clipdesk.errors import ClipDeskError, DeviceLostError
from clipdesk.export import metadata, metadata_writer
from clipdesk.export.metadata import BatchMetadata
from clipdesk.export.png import read_recipe
from clipdesk.jobs.events import Halted, Progress, Saved, Skipped, UnitEvent
from clipdesk.jobs.executor import Executor
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.service import QueueService, Step
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore
from clipdesk.network.opened import OpenModel
from clipdesk.render import optimization
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from clipdesk.render.transforms import transformed
from tests.conftest import VIT_LAYER, small_vit

LOST = torch.AcceleratorError("CUDA error: unspecified launch failure\nCompile with `TORCH_USE_CUDA_DSA`")


@pytest.fixture
def add(store: JobStore, checkpoint: Path, tmp_path: Path) -> Callable[..., int]:
    def add(*indices: int, folder: Path = tmp_path / "out", iterations: int = 2) -> int:
        targets = tuple(Unit(layer=VIT_LAYER, index=i) for i in indices)
        settings = make_settings(iterations=iterations, views=1, device="cpu")
        return store.add(Job(model=str(checkpoint), targets=targets, settings=settings), folder)

    return add


@pytest.fixture
def groups_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 2)


def drain(store: JobStore, executor: Executor | None = None) -> Iterator[Step]:
    """Work through the queue as a process of its own does it."""
    with closing(QueueService(store.path, executor or Here())) as service:
        yield from service.steps()


def work(store: JobStore, executor: Executor | None = None) -> list[str]:
    """Work through the queue; what became of the units."""
    return [type(step.event).__name__ for step in drain(store, executor) if isinstance(step.event, UnitEvent)]


def states(store: JobStore, number: int) -> list[str]:
    return [unit.state for unit in store.units(number)]


def reason(store: JobStore, number: int, position: int) -> str:
    text = store.units(number)[position].reason
    assert "\n" not in text
    return text


def folder_of(store: JobStore, number: int) -> Path:
    folder = store.get(number).folder
    assert folder is not None
    return folder


def check_folder(store: JobStore, *numbers: int) -> None:
    """The jobs' folder has whole pictures of what is done, and nothing half written."""
    folder = folder_of(store, numbers[0])
    done = sorted(unit.file for number in numbers for unit in store.units(number) if unit.state == "done")
    assert sorted(path.name for path in folder.glob("*.png")) == done
    assert all(read_recipe(folder / name).complete for name in done)
    assert not list(folder.glob(".*"))


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int, int], Exception | None]) -> None:
    """Let a step fail; `fails` gets the number of pictures side by side, and of the step since now."""
    steps = iter(range(1, 10_000))

    def step(pixels: Tensor, *others: object) -> Tensor:
        error = fails(len(pixels), next(steps))
        if error is not None:
            raise error
        return transformed(pixels, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(optimization, "transformed", step)


# The device


def test_out_of_memory_halves_the_groups(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def fails(pictures: int, _step: int) -> Exception | None:
        sizes.append(pictures)
        return torch.OutOfMemoryError("CUDA out of memory") if pictures > 2 else None

    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 5)
    failing(monkeypatch, fails)
    number = add(*range(5))
    assert work(store) == ["Saved"] * 5
    assert states(store, number) == ["done"] * 5
    assert sizes == [5, 2, 2, 3, 1, 1, 2, 2]
    check_folder(store, number)


@pytest.mark.usefixtures("groups_of_two")
def test_what_torch_cannot_compute_fails_alone_and_the_others_go_on(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(1, 2)
    other = add(3)
    failing(monkeypatch, lambda _, step: NotImplementedError("No 'aten::x' here\nadvice") if step <= 2 else None)
    assert work(store) == ["Failure", "Saved", "Saved"]
    assert (states(store, number), states(store, other)) == (["failed", "done"], ["done"])
    assert reason(store, number, 0) == "The device cpu could not compute a step (No 'aten::x' here)"
    check_folder(store, number, other)


def test_what_finds_no_memory_even_alone_fails_and_the_others_go_on(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(1, 2)
    other = add(3)
    failing(monkeypatch, lambda _, step: torch.OutOfMemoryError("CUDA out of memory") if step <= 2 else None)
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 2)
    assert work(store) == ["Failure", "Saved", "Saved"]
    assert (states(store, number), states(store, other)) == (["failed", "done"], ["done"])
    assert reason(store, number, 0) == "There is not enough memory for 1 picture at once. Try a smaller size"
    check_folder(store, number, other)


def test_a_unit_that_is_not_a_number_fails_alone(store: JobStore, add: Callable[..., int], tmp_path: Path) -> None:
    model = small_vit()

    def spoil(_module: object, _inputs: object, output: Tensor) -> Tensor:
        output = output.clone()
        output[..., 6] = torch.nan
        return output

    model.get_submodule(VIT_LAYER).register_forward_hook(spoil)
    number = add(4, 5, 6, 7)
    assert sorted(work(store, Here(opened=OpenModel.of(model)))) == ["Failure", "Saved", "Saved", "Saved"]
    assert states(store, number) == ["done", "done", "failed", "done"]
    assert reason(store, number, 2) == "The activation is not a number at step 1. Try a lower learning rate"
    record = BatchMetadata.open(tmp_path / "out", VIT_LAYER, store.get(number).job.model).units[6]
    assert (record.status, record.file) == ("failed", None)
    check_folder(store, number)


@pytest.mark.usefixtures("groups_of_two")
def test_a_device_that_fails_takes_what_is_on_it_and_the_rest_waits(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other = add(*range(6)), add(9)
    with monkeypatch.context() as patch:
        failing(patch, lambda _, step: LOST if step >= 4 else None)
        with pytest.raises(DeviceLostError, match="until ClipDesk is started again"):
            work(store)
    assert states(store, number) == ["done", "done", "failed", "failed", "waiting", "waiting"]
    assert states(store, other) == ["waiting"]
    assert reason(store, number, 2) == "The device cpu has failed (CUDA error: unspecified launch failure)"
    check_folder(store, number)
    assert work(store) == ["Saved"] * 3, "as another process would"
    assert store.retry(number) == 2
    assert work(store) == ["Saved"] * 2
    check_folder(store, number, other)


def test_a_device_that_fails_while_a_group_is_measured_takes_one(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(1, 2, 3)
    failing(monkeypatch, lambda *_: LOST)
    with pytest.raises(DeviceLostError):
        work(store)
    assert states(store, number) == ["failed", "waiting", "waiting"]


# The disk


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("groups_of_two")
def test_metadata_that_cannot_be_written_fails_its_unit_and_keeps_the_picture(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = add(1, 2)
    tried: list[Path] = []

    def append(path: Path, _line: str) -> None:
        tried.append(path)
        raise ClipDeskError(f"Cannot write {path}: permission denied. Choose another place")

    with monkeypatch.context() as patch:
        patch.setattr(metadata_writer, "_append", append)
        assert work(store) == ["Failure", "Failure"]
    assert {path.parent for path in tried} == {tmp_path / "out"}
    assert states(store, number) == ["failed", "failed"]
    assert reason(store, number, 0).endswith(": permission denied. Choose another place")
    pictures = sorted((tmp_path / "out").iterdir())
    assert [read_recipe(path).complete for path in pictures] == [True, True]
    store.retry(number)
    assert work(store) == ["Skipped", "Skipped"], "what was rendered is not rendered again"
    check_folder(store, number)
    assert sorted(BatchMetadata.open(tmp_path / "out", VIT_LAYER, store.get(number).job.model).units) == [1, 2]


@pytest.mark.usefixtures("groups_of_two")
def test_metadata_that_cannot_be_merged_stays_in_its_journal(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number, folder = add(1, 2), tmp_path / "out"
    model = store.get(number).job.model

    def write(path: Path, _write: object) -> None:
        raise ClipDeskError(f"Cannot write {path}: the disk is full. Choose another place")

    with monkeypatch.context() as patch:
        for module in (metadata, metadata_writer):
            patch.setattr(module, "write_atomically", write)
        assert work(store) == ["Saved", "Saved"]
    assert states(store, number) == ["done", "done"]
    assert not BatchMetadata.path(folder, VIT_LAYER).exists()
    assert sorted(BatchMetadata.open(folder, VIT_LAYER, model).units) == [1, 2]
    other = add(1, 2, 3)
    assert work(store) == ["Skipped", "Skipped", "Saved"]
    assert sorted(BatchMetadata.open(folder, VIT_LAYER, model).units) == [1, 2, 3]
    check_folder(store, other)


@pytest.mark.parametrize("call", ["mkstemp", "fsync"])
def test_a_full_disk_pauses_the_job_with_the_reason(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch, call: str, tmp_path: Path
) -> None:
    number = add(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp" if call == "mkstemp" else f"os.{call}", full)
        (halted,) = [step.event for step in drain(store) if isinstance(step.event, Halted)]
    assert states(store, number) == ["waiting", "waiting"], "nothing more is rendered in vain"
    stored = store.get(number)
    assert stored.status is Status.PAUSED
    assert stored.reason == halted.reason
    assert stored.reason.endswith(": the disk is full. Choose another place")
    assert not list((tmp_path / "out").iterdir())
    store.wish(number, Wish.RUN)
    assert store.get(number).reason == ""
    assert work(store) == ["Saved", "Saved"]
    check_folder(store, number)


@pytest.mark.usefixtures("groups_of_two")
@pytest.mark.parametrize(("when", "left"), [("NEW.state = 'done'", "waiting"), ("OLD.state = 'running'", "running")])
def test_a_queue_that_finds_no_room_ends_the_work_and_loses_nothing(
    store: JobStore, add: Callable[..., int], when: str, left: str
) -> None:
    number = add(*range(4))
    with sqlite3.connect(store.path or "") as db:
        # On a full disk SQLite may roll back by itself, as this does.
        raised = "SELECT RAISE(ROLLBACK, 'database or disk is full')"
        db.execute(f"CREATE TRIGGER full BEFORE UPDATE ON units WHEN {when} BEGIN {raised}; END")
    with pytest.raises(StoreError, match=r"queue\.sqlite cannot be read or written: the disk is full$"):
        work(store)
    assert states(store, number) == [left, left, "waiting", "waiting"]
    with db:
        db.execute("DROP TRIGGER full")
    db.close()
    assert work(store) == ["Skipped", "Saved", "Saved", "Saved"]
    check_folder(store, number)


@pytest.mark.usefixtures("groups_of_two")
def test_a_queue_that_others_hold_for_too_long_ends_the_work_and_loses_nothing(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(1, 2, 3)
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    other = sqlite3.connect(store.path or "", isolation_level=None)

    def work_and_lock() -> None:
        for step in drain(store):
            if isinstance(step.event, Progress) and not other.in_transaction:
                other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StoreError, match=r"cannot be read or written: another program has held it for 0\.05 s\. Try"):
        work_and_lock()
    assert states(store, number) == ["running", "running", "waiting"], "reading goes on"
    other.execute("COMMIT")
    other.close()
    assert work(store) == ["Skipped", "Saved", "Saved"]
    check_folder(store, number)


# Folders


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody can write to, with a folder `out` in it."""
    place = tmp_path / "read only"
    (place / "out").mkdir(parents=True)
    for folder in (place / "out", place):
        folder.chmod(0o555)
    if os.access(place, os.W_OK):
        # For root only a disk can be read-only.
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], check=False).returncode:
            pytest.skip("no folder can be made read-only here")
        yield place
        subprocess.run(["umount", str(place)], check=True)
    else:
        yield place
    for folder in (place, place / "out"):
        folder.chmod(0o755)


def test_a_results_folder_that_is_read_only_fails_what_is_for_it_alone(
    store: JobStore, add: Callable[..., int], read_only: Path
) -> None:
    number, other = add(1, 2, folder=read_only), add(3)
    assert work(store) == ["Failure", "Failure", "Saved"]
    assert (states(store, number), states(store, other)) == (["failed", "failed"], ["done"])
    assert reason(store, number, 0).startswith(f"Cannot write to the folder {read_only}: ")
    assert reason(store, number, 0).endswith(". Choose another one")


def test_a_queue_in_a_read_only_folder_is_one_line(read_only: Path) -> None:
    with pytest.raises(StoreError, match=r"^The queue .*queue\.sqlite cannot be opened: [\w\s-]+$"):
        JobStore(read_only / "queue.sqlite")
    with pytest.raises(ClipDeskError, match=r"^The queue's folder .* cannot be written to: [\w\s-]+$"):
        Owner(read_only / "owners")


def test_a_read_only_data_folder_does_not_keep_the_metadata_from_being_written(
    store: JobStore, add: Callable[..., int], read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(1)
    monkeypatch.setenv("CLIPDESK_DATA", str(read_only))
    assert work(store) == ["Saved"]
    check_folder(store, number)


# Others


def test_two_processes_share_a_queue(store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 1)
    number = add(*range(6), iterations=3)
    code = (
        "import sys; from pathlib import Path;"
        "from clipdesk.jobs import here; from clipdesk.jobs.service import QueueService;"
        "here.usual_group = lambda *_: 1; print('ready', flush=True); sys.stdin.readline();"
        "service = QueueService(Path(sys.argv[1]), here.Here());"
        "print(sum(type(step.event).__name__ == 'Saved' for step in service.steps())); service.close()"
    )
    command = [sys.executable, "-c", code, str(store.path)]
    mine = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for step in drain(store):
            if isinstance(step.event, Progress) and step.event.step == 1 and not mine:
                # This process holds its units; the other one finishes all that are left.
                assert sum(state == "running" for state in states(store, number)) == 1
                theirs = int(process.communicate("go\n")[0])
            mine += isinstance(step.event, Saved)
            assert not isinstance(step.event, Skipped)
    assert (mine, theirs) == (1, 5)
    assert states(store, number) == ["done"] * 6
    check_folder(store, number)
