"""RenderTask: what rendering leaves in a folder, on the side of the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clip.model import CLIP

from clipdesk.export.metadata import BatchMetadata
from clipdesk.jobs.events import Failure, Progress, Result, Saved, Skipped
from clipdesk.jobs.job import Job
from clipdesk.jobs.kinds import KINDS
from clipdesk.jobs.runner import run_job
from clipdesk.jobs.store import JobStore
from clipdesk.jobs.tasks import TASKS, RenderTask
from clipdesk.models.names import Named
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER
from tests.toy_work import Counting

JOB = Job(
    model=Named("demo"),
    targets=tuple(Unit(layer=VIT_LAYER, index=index) for index in (1, 2)),
    settings=make_settings(iterations=2, views=1, device="cpu"),
)
MakeTask = Callable[..., RenderTask]


@pytest.fixture
def task(store: JobStore, tmp_path: Path) -> MakeTask:
    def task(*, folder: Path | None = tmp_path / "out", skip: bool = True, listed: bool = True) -> RenderTask:
        made = TASKS["render"](store.get(store.add(JOB, folder, skip=skip, listed=listed)))
        assert isinstance(made, RenderTask)
        return made

    return task


@pytest.fixture
def results(vit: CLIP) -> list[Result]:
    return [event for event in run_job(OpenModel.of(vit), JOB) if isinstance(event, Result)]


def test_a_result_is_saved_and_found_again(task: MakeTask, results: list[Result], tmp_path: Path) -> None:
    first = task()
    assert first.before(JOB) == []
    saved = first.after(results[0], "")
    assert isinstance(saved, Saved)
    first.settle()
    assert list(BatchMetadata.open(tmp_path / "out", VIT_LAYER, "demo").units) == [1]
    assert task().before(JOB) == [Skipped(JOB.targets[0], saved.path)]
    assert task(skip=False).before(JOB) == [], "pictures that were there before are made anew"


def test_a_picture_that_is_not_listed_has_its_name_and_no_metadata(
    task: MakeTask, results: list[Result], tmp_path: Path
) -> None:
    saved = task(listed=False).after(results[0], "a.png")
    assert isinstance(saved, Saved)
    assert saved.path == tmp_path / "out" / "a.png"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


@pytest.mark.parametrize(("known", "noted"), [(True, [1]), (False, [])])
def test_a_failure_is_noted_if_the_model_has_the_unit(
    task: MakeTask, tmp_path: Path, known: bool, noted: list[int]
) -> None:
    failure = Failure(JOB.targets[0], "out of memory", known=known)
    made = task()
    assert made.after(failure, "") is failure
    assert list(BatchMetadata.open(tmp_path / "out", VIT_LAYER, "demo").units) == noted


def test_without_a_folder_results_pass_through(task: MakeTask, results: list[Result]) -> None:
    made = task(folder=None)
    progress = next(iter(run_job_progress(results)))
    assert made.before(JOB) == []
    assert made.after(results[0], "") is results[0]
    assert made.after(progress, "") is progress
    made.settle()


def run_job_progress(results: list[Result]) -> list[Progress]:
    return [Progress((result.target,), 1, 2, result.curve[:1]) for result in results]


def test_another_kind_of_work_is_refused(store: JobStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(KINDS, "counting", Counting)
    stored = store.get(store.add(Counting(model=Named("demo"), pages=("a",)), tmp_path))
    with pytest.raises(TypeError, match="counting is not rendering"):
        RenderTask(stored)
