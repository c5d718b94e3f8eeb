"""A picture is made with the file that was asked for, and its recipe says with which: from any folder, at any time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipdesk.export.png import read_recipe, save_png
from clipdesk.jobs.events import Failure, Saved
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.network.pool import ModelPool, default_pool
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.cli.conftest import Command
from tests.conftest import VIT_LAYER, small_vit

QUICK = ["--device", "cpu", "--iterations", "2", "--views", "1"]
BATCH = ["batch", "--model", "mine.pt", "--layer", VIT_LAYER, "--neuron-range", "0", "3", "1", *QUICK]
RENDER = ["render", "--model", "mine.pt", "--layer", VIT_LAYER, "--neuron", "1", *QUICK]
TARGET = ["render", "--model", "mine.pt", *QUICK, "--target"]


def save(path: Path, seed: int) -> str:
    """Write a small model; the checksum of its file."""
    path.parent.mkdir(exist_ok=True)
    torch.save({name: value.half() for name, value in small_vit(seed).state_dict().items()}, path)
    return sha256(path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return bytes(image.tobytes())


def weights_of(folder: Path) -> list[str | None]:
    return [read_recipe(path).weights for path in sorted(folder.glob("*.png"))]


@pytest.fixture(autouse=True)
def new_process() -> Iterator[Callable[[], None]]:
    """Forget the networks that are open, as another process has none."""
    default_pool.cache_clear()
    yield default_pool.cache_clear
    default_pool.cache_clear()


@pytest.fixture
def mine(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three folders: a has mine.pt, b another file of that name, and c none; work begins in a. The checksum of a's."""
    found = save(clipdesk.folder / "a" / "mine.pt", 0)
    save(clipdesk.folder / "b" / "mine.pt", 1)
    (clipdesk.folder / "c").mkdir()
    monkeypatch.chdir(clipdesk.folder / "a")
    return found


@pytest.fixture
def queued(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a command whose job then waits, as after Ctrl-C."""

    def queued(*arguments: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("clipdesk.cli.working.follow", lambda *_: None)
            assert clipdesk(*arguments).code == 0

    return queued


# From another folder


@pytest.mark.parametrize("folder", ["c", "b"])
def test_a_job_with_a_relative_path_goes_on_from_any_folder(
    clipdesk: Command,
    mine: str,
    queued: Callable[..., None],
    new_process: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
) -> None:
    queued(*BATCH, "--output-dir", "out")
    new_process()
    monkeypatch.chdir(clipdesk.folder / folder)
    outcome = clipdesk("queue", "run")
    assert (outcome.code, "3 rendered, 0 skipped, 0 failed" in outcome.err) == (0, True), outcome.err
    assert weights_of(clipdesk.folder / "a" / "out") == [mine] * 3
    assert not (clipdesk.folder / folder / "out").exists()


def test_a_job_with_a_relative_path_is_skipped_from_any_folder(
    clipdesk: Command, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clipdesk(*BATCH, "--output-dir", "out").code == 0
    monkeypatch.chdir(clipdesk.folder / "c")
    batch = [argument.replace("mine.pt", "../a/mine.pt") for argument in BATCH]
    assert "0 rendered, 3 skipped" in clipdesk(*batch, "--output-dir", "../a/out").err


@pytest.mark.parametrize("folder", ["c", "b"])
def test_a_recipe_with_a_relative_path_is_made_again_from_any_folder(
    clipdesk: Command, mine: str, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    assert clipdesk(*RENDER, "--output", "p.png").code == 0
    assert read_recipe(Path("p.png")).model == str(clipdesk.folder / "a" / "mine.pt")
    monkeypatch.chdir(clipdesk.folder / folder)
    outcome = clipdesk("render", "--from", "../a/p.png", "--output", "q.png")
    assert outcome.code == 0, outcome.err
    assert read_recipe(Path("q.png")).weights == mine
    assert pixels(Path("q.png")) == pixels(Path("../a/p.png"))


def test_a_recipe_of_version_0_1_never_takes_another_file_of_the_same_name(
    clipdesk: Command, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the path as it was typed."""
    from clipdesk.export.png import save_png

    assert clipdesk(*RENDER, "--output", "p.png").code == 0
    old = read_recipe(Path("p.png")).model_copy(update={"model": "mine.pt"})
    save_png(np.asarray(Image.open("p.png")), Path("p.png"), old)
    assert clipdesk("render", "--from", "p.png", "--output", "q.png").code == 0
    assert pixels(Path("q.png")) == pixels(Path("p.png"))
    monkeypatch.chdir(clipdesk.folder / "b")
    outcome = clipdesk("render", "--from", "../a/p.png", "--output", "q.png")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "is another file now" in outcome.err
    monkeypatch.chdir(clipdesk.folder / "c")
    outcome = clipdesk("render", "--from", "../a/p.png", "--output", "q.png")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "There is no model or file 'mine.pt'" in outcome.err


def test_a_relative_path_inside_a_name_of_open_clips(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.open_clips import register_small, small_open_clip

    register_small(tmp_path)
    torch.save(small_open_clip("clipdesk-vit").state_dict(), clipdesk.folder / "mine.pt")
    arguments = ["render", "--layer", "visual.conv1", "--neuron", "1", *QUICK, "--output", "p.png"]
    assert clipdesk(*arguments, "--model", "open_clip:clipdesk-vit/[mine.pt]").code == 0
    recipe = read_recipe(Path("p.png"))
    assert recipe.model == f"open_clip:clipdesk-vit/[{clipdesk.folder / 'mine.pt'}]"
    assert recipe.weights == sha256(Path("mine.pt"))
    (clipdesk.folder / "c").mkdir()
    monkeypatch.chdir(clipdesk.folder / "c")
    outcome = clipdesk("render", "--from", "../p.png", "--output", "q.png")
    assert outcome.code == 0, outcome.err
    assert pixels(Path("q.png")) == pixels(Path("../p.png"))


def make_file(path: Path, seed: int) -> None:
    """A file of any kind that a target or a setting may name."""
    numbers = np.random.default_rng(seed)
    if path.suffix == ".png":
        Image.fromarray(numbers.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    elif path.name == "direction.npy":
        np.save(path, numbers.normal(size=256))
    else:
        source = path.with_suffix("")
        source.mkdir()
        make_file(source / "one.png", seed)


KINDS = {
    "start": ("start.png", [*RENDER, "--start", "start.png"]),
    "image": ("image.png", ["render", "--model", "mine.pt", "--target", f"image:[image.png] + {VIT_LAYER}:1", *QUICK]),
    "direction": (
        "direction.npy",
        ["render", "--model", "mine.pt", "--target", f"{VIT_LAYER}:[direction.npy]", *QUICK],
    ),
    "spectrum": ("spectrum.npy", [*RENDER, "--parameterization", "maco", "--spectrum", "spectrum.npy"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_targets_and_settings_are_the_same_from_any_folder(
    clipdesk: Command, mine: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    name, arguments = KINDS[kind]
    for seed, folder in enumerate("ab"):
        make_file(clipdesk.folder / folder / name, seed)
        if kind == "spectrum":
            source = str(clipdesk.folder / folder / "spectrum")
            assert clipdesk("spectrum", source, str(clipdesk.folder / folder / name), "--size", "64").code == 0
    outcome = clipdesk(*arguments, "--output", "p.png")
    assert outcome.code == 0, outcome.err
    recipe = read_recipe(Path("p.png"))
    whole = clipdesk.folder / "a" / name
    # A direction's numbers are in the recipe itself.
    assert recipe.files == ({} if kind == "direction" else {str(whole): sha256(whole)})
    for folder in "bc":
        monkeypatch.chdir(clipdesk.folder / folder)
        outcome = clipdesk("render", "--from", "../a/p.png", "--output", "q.png")
        assert outcome.code == 0, outcome.err
        assert pixels(Path("q.png")) == pixels(Path("../a/p.png"))
    if kind != "direction":
        shutil.copy(clipdesk.folder / "b" / name, whole)
        outcome = clipdesk("render", "--from", "../a/p.png", "--output", "r.png")
        assert outcome.code != 0
        assert f"{whole} is another file than the one that the picture was made with" in outcome.err
        assert not Path("r.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="it keeps no time of the last change")
def test_a_file_whose_time_is_set_back_does_not_pass_for_the_old_one(clipdesk: Command, mine: str) -> None:
    path = clipdesk.folder / "a" / "start.bmp"
    Image.new("RGB", (40, 40), "red").save(path)
    assert clipdesk(*RENDER, "--start", "start.bmp", "--output", "p.png").code == 0
    before = path.stat()
    Image.new("RGB", (40, 40), "blue").save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert "is another file" in clipdesk("render", "--from", "p.png", "--output", "q.png").err


# At another time


def test_a_checkpoint_that_is_overwritten_while_it_is_rendered(
    clipdesk: Command, mine: str, new_process: Callable[[], None]
) -> None:
    other = sha256(clipdesk.folder / "b" / "mine.pt")
    # A program of its own, as the training run is that overwrites it.
    long = [*RENDER, "--iterations", "400", "--output", "p.png"]
    with subprocess.Popen(
        [sys.executable, "-m", "clipdesk", *long], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("step "), "the render is under way"
        assert process.poll() is None
        shutil.copy(clipdesk.folder / "b" / "mine.pt", "mine.pt")
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert read_recipe(Path("p.png")).weights == mine, "those that made it"

    new_process()
    outcome = clipdesk("render", "--from", "p.png", "--iterations", "2", "--output", "q.png")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith("Error: mine.pt is another file now than the one this was made with")
    assert f"--model {clipdesk.folder / 'a' / 'mine.pt'}" in outcome.err
    assert not Path("q.png").exists()

    asked = ["render", "--from", "p.png", "--iterations", "2", "--model", "mine.pt", "--output", "q.png"]
    outcome = clipdesk(*asked)
    assert outcome.code == 0
    assert "p.png was made with other weights than those of" in outcome.err
    assert outcome.err.splitlines()[-1].endswith("the picture differs.")
    assert read_recipe(Path("q.png")).weights == other

    save(Path("mine.pt").absolute(), 0)
    assert sha256(Path("mine.pt")) == mine
    outcome = clipdesk("render", "--from", "p.png", "--iterations", "2", "--output", "r.png")
    assert outcome.code == 0, "the old file is back"
    assert "differs" not in outcome.err


def test_a_picture_knows_the_activation_that_was_asked_for(clipdesk: Command, mine: str) -> None:
    said = [argument.replace("mine.pt", "mine.pt?gelu") for argument in RENDER]
    assert clipdesk(*RENDER, "--output", "p.png").code == clipdesk(*said, "--output", "q.png").code == 0
    first, second = (read_recipe(Path(name)) for name in ("p.png", "q.png"))
    assert first.weights == mine != second.weights
    again = clipdesk("render", "--from", "p.png", "--model", "mine.pt?gelu", "--output", "r.png")
    assert "p.png was made with other weights than those of" in again.err
    # Versions that did not tell them apart have noted the file's checksum alone.
    save_png(np.zeros((8, 8, 3), np.uint8), Path("old.png"), second.model_copy(update={"weights": mine}))
    again = clipdesk("render", "--from", "old.png", "--output", "s.png")
    assert (again.code, "differs" in again.err) == (0, False)
    assert pixels(Path("s.png")) == pixels(Path("q.png")) == pixels(Path("r.png")) != pixels(Path("p.png"))


def test_a_checkpoint_that_changes_between_two_runs_of_the_queue(
    clipdesk: Command, mine: str, queued: Callable[..., None], new_process: Callable[[], None]
) -> None:
    queued(*BATCH, "--output-dir", "out")
    new_process()
    shutil.copy(clipdesk.folder / "b" / "mine.pt", "mine.pt")
    outcome = clipdesk("queue", "run")
    assert outcome.code == 1
    lines = [line for line in outcome.err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 3
    for index, line in enumerate(lines):
        assert line.startswith(f"Error: {VIT_LAYER}:{index}: mine.pt is another file now")
        assert line.endswith(f"ask again with --model {clipdesk.folder / 'a' / 'mine.pt'}")
    assert not list(Path("out").glob("*.png"))
    # Asked again, it is another job.
    new_process()
    assert "3 rendered" in clipdesk(*BATCH, "--output-dir", "out").err
    assert weights_of(Path("out")) == [sha256(Path("mine.pt"))] * 3
    # And the first one goes on once its file is back.
    save(Path("mine.pt").absolute(), 0)
    new_process()
    assert clipdesk("queue", "retry", "1").code == 0
    assert clipdesk("queue", "run").code == 0
    assert sorted(map(str, weights_of(Path("out")))) == sorted([mine] * 3 + [sha256(clipdesk.folder / "b/mine.pt")] * 3)


@pytest.fixture
def groups_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 2)


def small_job(path: Path) -> Job:
    targets = tuple(Unit(layer=VIT_LAYER, index=index) for index in range(6))
    return Job(model=path, targets=targets, settings=make_settings(iterations=2, views=1, device="cpu"))


@pytest.mark.usefixtures("groups_of_two")
@pytest.mark.parametrize("how", ["overwritten", "removed"])
def test_a_checkpoint_that_changes_between_two_groups_of_a_batch(clipdesk: Command, mine: str, how: str) -> None:
    path = clipdesk.folder / "a" / "mine.pt"
    with closing(QueueService(default_store(), Here(ModelPool()))) as service:
        number = service.add(small_job(path), Path("out"))
        for step in service.steps():
            assert not isinstance(step.event, Failure)
            if isinstance(step.event, Saved) and how == "overwritten":
                shutil.copy(clipdesk.folder / "b" / "mine.pt", path)
            elif isinstance(step.event, Saved):
                path.unlink(missing_ok=True)
        assert service.store.get(number).counts == {"done": 6}
    assert weights_of(Path("out")) == [mine] * 6, "the network that is open goes on"


@pytest.mark.usefixtures("groups_of_two")
def test_a_checkpoint_that_changes_in_a_batch_and_is_not_open_any_more(clipdesk: Command, mine: str) -> None:
    path = clipdesk.folder / "a" / "mine.pt"
    other = clipdesk.folder / "b" / "mine.pt"
    urgent: list[int] = []
    with closing(QueueService(default_store(), Here(ModelPool(most_bytes=1)))) as service:
        number = service.add(small_job(path), Path("out"))
        for step in service.steps():
            if isinstance(step.event, Saved) and not urgent:
                # Opened next, it takes the place of the first one.
                urgent.append(service.add(small_job(other).part([0]), Path("out"), urgent=True))
                shutil.copy(other, path)
        assert [unit.state for unit in service.store.units(number)] == ["done"] * 2 + ["failed"] * 4
        assert service.store.units(number)[5].reason.startswith("mine.pt is another file now")
    assert sorted(map(str, weights_of(Path("out")))) == sorted([mine] * 2 + [sha256(other)])


def test_a_job_keeps_the_checksum_of_its_weights(clipdesk: Command, mine: str, queued: Callable[..., None]) -> None:
    queued(*BATCH, "--output-dir", "out")
    store = JobStore(default_store())
    job = store.get(1).job
    store.close()
    assert (str(job.model), job.weights) == (str(clipdesk.folder / "a" / "mine.pt"), mine)


def test_the_same_command_goes_on_with_an_unfinished_batch_of_version_0_1(
    clipdesk: Command, mine: str, queued: Callable[..., None]
) -> None:
    queued(*BATCH, "--output-dir", "out")
    with closing(sqlite3.connect(default_store())) as db, db:
        (text,) = db.execute("SELECT job FROM jobs").fetchone()
        values = {name: value for name, value in json.loads(text).items() if name not in ("kind", "weights")}
        db.execute("UPDATE jobs SET job = ?", (json.dumps(values | {"model": "mine.pt"}),))
    outcome = clipdesk(*BATCH, "--output-dir", "out")
    assert "3 rendered, 0 skipped, 0 failed" in outcome.err
    (row,) = json.loads(clipdesk("queue", "list", "--json").out)
    assert (row["status"], row["done"], row["model"]) == ("done", 3, str(clipdesk.folder / "a" / "mine.pt"))


def test_a_batch_in_another_models_folder_is_refused_before_it_is_queued(clipdesk: Command, mine: str) -> None:
    assert clipdesk(*BATCH, "--output-dir", "../out").code == 0
    batch = [argument.replace("mine.pt", "../b/mine.pt") for argument in BATCH]
    outcome = clipdesk(*batch, "--output-dir", "../out")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert f"holds a batch of the model '{clipdesk.folder / 'a' / 'mine.pt'}'" in outcome.err
    store = JobStore(default_store())
    assert len(store.jobs()) == 1
    store.close()


def test_two_commands_in_one_process_do_not_share_an_old_network(clipdesk: Command, mine: str) -> None:
    assert clipdesk(*RENDER, "--output", "p.png").code == 0
    time.sleep(0.01)
    other = save(Path("mine.pt").absolute(), 1)
    assert clipdesk(*RENDER, "--output", "q.png").code == 0
    assert [read_recipe(Path(name)).weights for name in ("p.png", "q.png")] == [mine, other]
    assert pixels(Path("p.png")) != pixels(Path("q.png"))
