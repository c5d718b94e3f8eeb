"""Surveys and comparisons in the queue: they run, stop and go on like any other work."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipdesk.activations.comparing.manifests import all_comparisons
from clipdesk.activations.scan import BLOCK
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.jobs.events import Done, Ended, Event, Failure, Progress
from clipdesk.jobs.here import Here
from clipdesk.jobs.kinds import read_work
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.set_work import ComparisonWork, SurveyWork
from clipdesk.jobs.status import Status
from clipdesk.models.names import find_name
from clipdesk.paths import comparisons_folder, surveys_folder
from tests.conftest import small_vit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
PICTURES = 300
STEPS = [100 * min(done, PICTURES) // PICTURES for done in range(BLOCK, PICTURES + BLOCK, BLOCK)]
"""Of a survey, a block after the other."""


@pytest.fixture
def job(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SurveyWork:
    """A survey of some pictures."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number:03}.png")
    return SurveyWork(model=find_name(checkpoint), images=str(folder), layers=(LAYER,), device="cpu")


def work(queue: Path, most: int | None = None) -> list[Event]:
    """Work through a queue, up to so many events."""
    found: list[Event] = []
    with closing(QueueService(queue, Here())) as service:
        for step in service.steps(stop=lambda: most is not None and len(found) >= most):
            found.append(step.event)
    return found


def test_a_survey_is_written_down_and_read_again(job: SurveyWork) -> None:
    assert read_work(job.written()) == job
    assert (job.units, job.label(0), job.noun, job.steps) == ((job.images,), "photos", "surveys", 100)
    assert job.part([0]) == job
    assert not job.divisible
    assert job.for_workers, "they read its pictures"


def test_the_queue_makes_a_survey(job: SurveyWork, tmp_path: Path) -> None:
    with closing(QueueService(tmp_path / "queue.sqlite", Here())) as service:
        service.add(job, surveys_folder())
    events = work(tmp_path / "queue.sqlite")
    steps = [event.step for event in events if isinstance(event, Progress)]
    assert steps == STEPS
    ((path, manifest),) = all_surveys()
    assert [event.file for event in events if isinstance(event, Done)] == [path.name]
    assert isinstance(events[-1], Ended)
    assert events[-1].status is Status.DONE
    assert manifest.pictures == len(open_survey(path).pictures) == PICTURES


def test_a_survey_that_was_stopped_waits_and_goes_on(job: SurveyWork, tmp_path: Path) -> None:
    queue = tmp_path / "queue.sqlite"
    with closing(QueueService(queue, Here())) as service:
        service.add(job, surveys_folder())
    begun = work(queue, most=2)
    assert [event.step for event in begun if isinstance(event, Progress)] == STEPS[:1]
    assert list(all_surveys()) == []
    assert [event.step for event in work(queue) if isinstance(event, Progress)] == STEPS[1:]
    assert len(list(all_surveys())) == 1


def compared(job: SurveyWork, tmp_path: Path) -> ComparisonWork:
    """A comparison with the same model, one of whose weights is another."""
    state = small_vit().state_dict()
    state["visual.proj"] *= 2
    torch.save(state, tmp_path / "other.pt")
    second = find_name(tmp_path / "other.pt")
    return ComparisonWork(model=job.model, second=second, images=job.images, layers=(LAYER,), device="cpu")


def test_a_comparison_is_written_down_and_read_again(job: SurveyWork, tmp_path: Path) -> None:
    asked = compared(job, tmp_path)
    assert read_work(asked.written()) == asked
    assert (asked.units, asked.label(0), asked.noun, asked.steps) == ((job.images,), "photos", "comparisons", 100)


def test_a_comparison_that_was_stopped_waits_and_goes_on(job: SurveyWork, tmp_path: Path) -> None:
    queue = tmp_path / "queue.sqlite"
    with closing(QueueService(queue, Here())) as service:
        service.add(compared(job, tmp_path), comparisons_folder())
    begun = work(queue, most=2)
    assert [event.step for event in begun if isinstance(event, Progress)] == STEPS[:1]
    assert all_comparisons() == []
    events = work(queue)
    assert [event.step for event in events if isinstance(event, Progress)] == STEPS[1:]
    ((path, manifest),) = all_comparisons()
    assert [event.file for event in events if isinstance(event, Done)] == [path.name]
    assert manifest.pictures == PICTURES
    assert manifest.weights[0] != manifest.weights[1]


def test_a_comparison_with_other_weights_than_it_asks_for_fails(job: SurveyWork, tmp_path: Path) -> None:
    asked = compared(job, tmp_path).model_copy(update={"second_weights": "e" * 64})
    with closing(QueueService(tmp_path / "queue.sqlite", Here())) as service:
        service.add(asked, comparisons_folder())
    events = work(tmp_path / "queue.sqlite")
    assert [event for event in events if isinstance(event, Failure)]
    assert all_comparisons() == []


def test_a_set_that_is_gone_is_a_failure_with_a_reason(job: SurveyWork, tmp_path: Path) -> None:
    gone = job.model_copy(update={"images": str(tmp_path / "gone")})
    with closing(QueueService(tmp_path / "queue.sqlite", Here())) as service:
        service.add(gone, surveys_folder())
    (failure,) = (event for event in work(tmp_path / "queue.sqlite") if isinstance(event, Failure))
    assert "gone" in failure.reason
    assert failure.details == ""
