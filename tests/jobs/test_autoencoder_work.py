"""Trainings in the queue: they run, stop and go on like any other work."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.activations.autoencoders.settings import TrainingSettings
from clipdesk.activations.autoencoders.training import train_autoencoder
from clipdesk.jobs.autoencoder_work import AutoencoderWork
from clipdesk.jobs.events import Done, Ended, Event, Failure, Progress
from clipdesk.jobs.here import Here
from clipdesk.jobs.kinds import read_work
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status
from clipdesk.models.names import find_name
from clipdesk.network.latents.opening import read_latents
from clipdesk.paths import autoencoders_folder
from tests.activations.autoencoders.toy import ToyTrainer

LAYER = "visual.transformer.resblocks.1"


@pytest.fixture
def job(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AutoencoderWork:
    """A training on some pictures, without SAELens."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("clipdesk.jobs.here.train_autoencoder", partial(train_autoencoder, make=ToyTrainer))
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")
    settings = TrainingSettings(layer=LAYER, steps=4, batch=16, latents=64, active=8)
    return AutoencoderWork(model=find_name(checkpoint), images=str(folder), settings=settings, device="cpu")


def work(queue: Path, most: int | None = None) -> list[Event]:
    """Work through a queue, up to so many events."""
    found: list[Event] = []
    with closing(QueueService(queue, Here())) as service:
        for step in service.steps(stop=lambda: most is not None and len(found) >= most):
            found.append(step.event)
    return found


def add(job: AutoencoderWork, queue: Path) -> None:
    with closing(QueueService(queue, Here())) as service:
        service.add(job, autoencoders_folder())


def steps(events: list[Event]) -> list[int]:
    return [event.step for event in events if isinstance(event, Progress)]


def test_a_training_is_written_down_and_read_again(job: AutoencoderWork) -> None:
    assert read_work(job.written()) == job
    assert (job.units, job.noun, job.steps) == ((LAYER,), "sparse autoencoders", 100)
    assert job.label(0) == f"Sparse autoencoder of {LAYER}"
    assert job.part([0]) == job
    assert not job.divisible
    assert not job.for_workers


def test_the_queue_trains(job: AutoencoderWork, tmp_path: Path) -> None:
    add(job, tmp_path / "queue.sqlite")
    events = work(tmp_path / "queue.sqlite")
    # A quarter for the reading, and the rest for the steps.
    assert steps(events) == [1, 10, 20, 25, 43, 62, 81, 100]
    (done,) = (event for event in events if isinstance(event, Done))
    assert read_latents(autoencoders_folder() / done.file).layer == LAYER
    assert isinstance(events[-1], Ended)
    assert events[-1].status is Status.DONE


def test_a_training_that_was_stopped_waits_and_goes_on(job: AutoencoderWork, tmp_path: Path) -> None:
    queue = tmp_path / "queue.sqlite"
    add(job.model_copy(update={"output": str(tmp_path / "mine")}), queue)
    begun = work(queue, most=7)
    assert steps(begun)[-1] > 25
    assert not (tmp_path / "mine").exists()
    rest = [step for step in steps(work(queue)) if step > 25]
    assert rest == [step for step in (43, 62, 81, 100) if step > steps(begun)[-1]]
    assert read_latents(tmp_path / "mine").count == 64


def test_a_layer_that_is_not_there_is_a_failure_with_a_reason(job: AutoencoderWork, tmp_path: Path) -> None:
    settings = job.settings.model_copy(update={"layer": "visual.layer9"})
    add(job.model_copy(update={"settings": settings}), tmp_path / "queue.sqlite")
    (failure,) = (event for event in work(tmp_path / "queue.sqlite") if isinstance(event, Failure))
    assert "visual.layer9" in failure.reason
    assert failure.details == ""
