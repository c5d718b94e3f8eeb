import numpy as np
import pytest
from clip.model import CLIP
from clipdesk.jobs.recording import Recording
from numpy.typing import NDArray

from clipdesk.export.animation import frame_steps
from clipdesk.jobs import recording
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Failure, Progress, Result, run_job
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit
from tests.conftest import VIT_LAYER


def job_of(count: int, iterations: int) -> Job:
    targets = tuple(Unit(layer=VIT_LAYER, index=i) for i in range(count))
    return Job(model="small", targets=targets, settings=make_settings(iterations=iterations, device="cpu", seed=3))


def test_the_frames_are_those_of_the_run_and_end_with_the_picture(vit: CLIP, inspector: LayerInspector) -> None:
    job = job_of(2, 70)
    kept = Recording(vit, inspector, job)
    seen: dict[Target, list[NDArray[np.uint8]]] = {target: [] for target in job.targets}
    for event in run_job(vit, job, inspector=inspector, group_size=2):
        kept.add(event)
        if isinstance(event, Progress) and event.frame.step in frame_steps(70):
            for target, image in zip(event.targets, event.frame.images(), strict=True):
                seen[target].append(image)
        elif isinstance(event, Result):
            frames = kept.take(event)
            assert len(frames) == len(frame_steps(70))
            assert all((a == b).all() for a, b in zip(frames, seen[event.target], strict=True))
            assert (frames[-1] == event.image).all()


def test_a_stopped_picture_is_its_own_last_frame(vit: CLIP, inspector: LayerInspector) -> None:
    job = job_of(1, 5000)
    stopped_at = next(step for step in range(20, 5000) if step not in frame_steps(5000))
    kept, asked = Recording(vit, inspector, job), iter(range(5000))
    # It is asked once before the first step.
    for event in run_job(vit, job, inspector=inspector, stop=lambda: next(asked) == stopped_at):
        kept.add(event)
        if isinstance(event, Result):
            frames = kept.take(event)
            assert len(frames) == 1 + sum(step < stopped_at for step in frame_steps(5000))
            assert (frames[-1] == event.image).all()


def test_a_group_that_is_tried_again_starts_again(vit: CLIP, inspector: LayerInspector) -> None:
    job = job_of(2, 3)
    kept = Recording(vit, inspector, job)
    events = list(run_job(vit, job.model_copy(update={"targets": job.targets[:1]}), inspector=inspector))
    progress = [event for event in events if isinstance(event, Progress)]
    for event in (*progress[:2], *events):
        kept.add(event)
    result = events[-1]
    assert isinstance(result, Result)
    assert len(kept.take(result)) == 3
    kept.add(progress[0])
    kept.add(Failure(job.targets[0], job.settings, "bad"))
    assert not kept._frames


def test_the_frames_of_a_group_fit_the_memory(
    vit: CLIP, inspector: LayerInspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "usual_group", lambda *_: 100)
    large = job_of(4, 500).model_copy(update={"settings": make_settings(iterations=500, image_size=512)})
    size = Recording(vit, inspector, large).group_size
    assert 0.8 * recording.MEMORY < size * len(frame_steps(500)) * 512 * 512 * 3 <= recording.MEMORY
    assert Recording(vit, inspector, job_of(4, 500)).group_size == 100
    monkeypatch.setattr(recording, "MEMORY", 1)
    assert Recording(vit, inspector, large).group_size == 1
