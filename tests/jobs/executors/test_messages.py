"""Messages: events come as they were sent, but for what is the head's to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from clip.model import CLIP

from clipdesk.errors import (
    Cancelled,
    ClipDeskError,
    DeviceLostError,
    DiskFullError,
    RenderError,
    UsageError,
)
from clipdesk.jobs.events import Done, Event, Failure, PartRead, Progress, Result, Saved, ShardPiece
from clipdesk.jobs.executors.messages import error_in, event_of, message_of, said
from clipdesk.jobs.executors.wire import Message, WireError, unpacked
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import run_job
from clipdesk.jobs.work import Work
from clipdesk.models.names import Named
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import OtherWeightsError
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.conftest import VIT_LAYER
from tests.jobs.test_shard_work import WORK
from tests.toy_work import Counting

UNITS = (Unit(layer=VIT_LAYER, index=3), Text(text="a star"))


def sent(event: Event, job: Work) -> Event:
    positions = {unit: i for i, unit in enumerate(job.units)}
    return event_of(unpacked(message_of(event, 5, positions).packed()), job)


@pytest.fixture
def results(vit: CLIP) -> tuple[Job, list[Result]]:
    settings = make_settings(iterations=2, views=1, device="cpu", transparency="gradients", seed=4)
    job = Job(model="demo", targets=UNITS, settings=settings)
    events = run_job(OpenModel.of(vit, "cpu"), job, group_size=2)
    return job, [event for event in events if isinstance(event, Result)]


def test_a_picture_comes_as_it_was_rendered(results: tuple[Job, list[Result]]) -> None:
    job, rendered = results
    assert len(rendered) == 2
    for result in rendered:
        found = sent(result, job)
        assert isinstance(found, Result)
        assert np.array_equal(found.pixels, result.pixels)
        assert np.array_equal(found.curve, result.curve)
        assert (found.target, found.settings, found.activation) == (result.target, result.settings, result.activation)
        assert (found.seconds, found.complete) == (result.seconds, result.complete)
        assert found.recipe.model_copy(update={"date": result.recipe.date}) == result.recipe


def test_the_date_of_a_picture_is_by_the_clock_of_the_head(results: tuple[Job, list[Result]]) -> None:
    job, (result, _) = results
    skewed = replace(result, recipe=result.recipe.model_copy(update={"date": "1999-01-01T00:00:00.000+00:00"}))
    before = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    found = sent(skewed, job)
    assert isinstance(found, Result)
    assert found.recipe.date >= before


def test_a_picture_is_of_the_device_that_was_asked_for(results: tuple[Job, list[Result]]) -> None:
    job, (result, _) = results
    asked = job.model_copy(update={"settings": job.settings.model_copy(update={"device": "cuda:3"})})
    found = sent(result, asked)
    assert isinstance(found, Result)
    assert (found.settings.device, found.recipe.settings.device, found.recipe.device) == ("cuda:3", "cuda:3", "cpu")


def test_progress_comes_with_pictures_and_penalties_if_there_are_any() -> None:
    job = Job(model=Named("demo"), targets=UNITS)
    values = np.array([1.0, 2.0], np.float32)
    images = np.zeros((2, 4, 4, 3), np.uint8)
    found = sent(Progress(UNITS, 2, 9, values, {"total variation": values + 1}, images), job)
    assert isinstance(found, Progress)
    assert (found.targets, found.step, found.iterations) == (UNITS, 2, 9)
    assert found.activations.tolist() == [1.0, 2.0]
    assert found.penalties["total variation"].tolist() == [2.0, 3.0]
    assert found.images is not None
    bare = sent(Progress(UNITS[1:], 2, 9, values[1:]), job)
    assert isinstance(bare, Progress)
    assert (bare.targets, bare.penalties, bare.images) == (UNITS[1:], {}, None)


def test_a_step_costs_few_bytes() -> None:
    targets = tuple(Unit(layer=VIT_LAYER, index=i) for i in range(8))
    event = Progress(targets, 2, 9, np.zeros(8, np.float32))
    assert len(message_of(event, 5, {unit: i for i, unit in enumerate(targets)}).packed()) < 300


@pytest.mark.parametrize("event", [Failure(UNITS[1], "no", known=False, details="x"), Done(UNITS[0], "a.png")])
def test_ends_of_units_come_as_they_were(event: Event) -> None:
    assert sent(event, Job(model=Named("demo"), targets=UNITS)) == event


@pytest.mark.parametrize(
    "event",
    [
        PartRead(WORK.units[1], 160, (("a/1.png", b"webp"), ("b/2.png", b""), ("c/3.png", b"x" * 9))),
        PartRead(WORK.units[0], 2, ()),
        ShardPiece(WORK.units[1], 160, 4096, b"\0\1"),
        Done(WORK.units[0]),
    ],
)
def test_what_was_read_of_a_survey_comes_as_it_was(event: Event) -> None:
    assert sent(event, WORK) == event


def test_workers_write_no_files(results: tuple[Job, list[Result]]) -> None:
    job, (result, _) = results
    with pytest.raises(TypeError):
        sent(Saved(result, Path("a.png")), job)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"event": "saved", "unit": 0},
        {"event": "done", "unit": 2, "file": ""},
        {"event": "done", "unit": -1, "file": ""},
        {"event": "done", "unit": True, "file": ""},
        {"event": "result", "unit": 0},
        {"event": "progress", "units": [0], "step": 1, "iterations": 2},
        {"event": "read", "unit": 0, "done": 1, "thumbnails": [["a", 3]]},
        {"event": "piece", "unit": 0, "done": 1, "start": 0},
    ],
)
def test_what_is_no_event_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(WireError):
        event_of(Message("event", 1, fields), Counting(model="demo", pages=("a", "b")))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UsageError("no"), UsageError),
        (OtherWeightsError(Named("demo"), "a" * 64, "b" * 64), UsageError),
        (RenderError("no"), RenderError),
        (DiskFullError("no"), DiskFullError),
        (ClipDeskError("no"), ClipDeskError),
    ],
)
def test_errors_keep_their_kind_and_their_words(error: Exception, kind: type[Exception]) -> None:
    found = error_in(said(error))
    assert type(found) is kind
    assert str(found) == str(error)


def test_a_lost_device_and_a_cancel_are_themselves() -> None:
    lost = error_in(said(DeviceLostError("The device cuda has failed")))
    assert isinstance(lost, DeviceLostError)
    assert lost.reason == "The device cuda has failed"
    assert isinstance(error_in(said(Cancelled())), Cancelled)


def test_an_unexpected_error_says_its_type() -> None:
    assert str(error_in(said(ZeroDivisionError("by zero")))) == "ZeroDivisionError: by zero"
