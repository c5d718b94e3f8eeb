import numpy as np
import pytest
from clip.model import CLIP
from numpy.typing import NDArray

from clipdesk.export.animation import frame_steps
from clipdesk.jobs import frames as frames_
from clipdesk.jobs.events import Failure, Progress, Result
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.frames import FrameRecorder
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import run_job
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit
from tests.conftest import VIT_LAYER


def job_of(count: int, iterations: int) -> Job:
    targets = tuple(Unit(layer=VIT_LAYER, index=i) for i in range(count))
    return Job(model="small", targets=targets, settings=make_settings(iterations=iterations, device="cpu", seed=3))


def test_the_frames_are_those_of_the_run_and_end_with_the_picture(vit: CLIP) -> None:
    job = job_of(2, 70)
    kept = FrameRecorder(job.settings.iterations)
    seen: dict[Target, list[NDArray[np.uint8]]] = {target: [] for target in job.targets}
    for event in run_job(OpenModel.of(vit), job, group_size=2, wanted=lambda *_: True):
        kept.add(event)
        if isinstance(event, Progress) and event.step in frame_steps(70):
            assert event.images is not None
            for target, image in zip(event.targets, event.images, strict=True):
                seen[target].append(image)
        elif isinstance(event, Result):
            frames = kept.take(event)
            assert len(frames) == len(frame_steps(70))
            assert all((a == b).all() for a, b in zip(frames, seen[event.target], strict=True))
            assert (frames[-1] == event.image).all()


def test_a_stopped_picture_is_its_own_last_frame(vit: CLIP) -> None:
    job = job_of(1, 5000)
    stopped_at = next(step for step in range(20, 5000) if step not in frame_steps(5000))
    kept, asked = FrameRecorder(job.settings.iterations), iter(range(5000))
    # It is asked once before the first step.
    for event in run_job(OpenModel.of(vit), job, wanted=kept.wanted, stop=lambda: next(asked) == stopped_at):
        kept.add(event)
        if isinstance(event, Result):
            frames = kept.take(event)
            assert len(frames) == 1 + sum(step < stopped_at for step in frame_steps(5000))
            assert (frames[-1] == event.image).all()


def test_a_group_that_is_tried_again_starts_again(vit: CLIP) -> None:
    job = job_of(2, 3)
    kept = FrameRecorder(job.settings.iterations)
    events = list(run_job(OpenModel.of(vit), job.part([0]), wanted=kept.wanted))
    progress = [event for event in events if isinstance(event, Progress)]
    for event in (*progress[:2], *events):
        kept.add(event)
    result = events[-1]
    assert isinstance(result, Result)
    assert len(kept.take(result)) == 3
    kept.add(progress[0])
    kept.add(Failure(job.targets[0], "bad"))
    assert not kept._frames


def test_only_the_steps_that_an_animation_shows_are_wanted() -> None:
    kept = FrameRecorder(5000)
    assert [step for step in range(1, 5001) if kept.wanted(step, 5000)] == list(frame_steps(5000))


def test_the_frames_of_a_group_fit_the_memory(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = OpenModel.of(vit)
    kept = FrameRecorder(500)
    large = job_of(4, 500).model_copy(update={"settings": make_settings(iterations=500, image_size=512)})
    most = kept.most(large, opened)
    assert 0.8 * frames_.MEMORY < most * len(frame_steps(500)) * 512 * 512 * 3 <= frames_.MEMORY
    assert kept.most(job_of(4, 500), opened) > most, "without a size it is the model's own"
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 100_000)
    assert Here(opened=opened, wanted=kept.wanted, most=kept.most).prepare(large, Hooks()).units == most
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 3)
    assert Here(opened=opened, wanted=kept.wanted, most=kept.most).prepare(large, Hooks()).units == 3
    monkeypatch.setattr(frames_, "MEMORY", 1)
    assert kept.most(large, opened) == 1
