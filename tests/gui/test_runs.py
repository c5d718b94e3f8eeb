from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipdesk.gui.runs import Run, limit_frames
from clipdesk.gui.words import describe
from clipdesk.jobs.events import Failure
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.gui.conftest import tracks_of


def picture(value: int = 0) -> NDArray[np.uint8]:
    return np.full((4, 4, 3), value, dtype=np.uint8)


def test_units_of_one_layer_have_short_names_and_colours_of_their_own() -> None:
    tracks = tracks_of(*(Unit(layer="visual.conv1", index=i) for i in range(8)))
    assert [track.label for track in tracks] == [str(i) for i in range(8)]
    assert len({track.hue for track in tracks}) == 8
    mixed = tracks_of(Unit(layer="visual.conv1", index=1), Text(text="a star"))
    assert [track.label for track in mixed] == ["conv1:1", '"a star"']


def run(count: int = 2, iterations: int = 10) -> Run:
    targets = tuple(Unit(layer="a", index=i) for i in range(count))
    return Run(1, Job(model="demo", targets=targets, settings=make_settings(iterations=iterations)))


def test_the_share_counts_what_ended_and_what_is_under_way() -> None:
    job = run()
    first, second = job.job.targets
    job.begin()
    assert job.share == 0
    job.advance((first,), 5, 5)
    assert job.share == 0.25
    job.fail(Failure(first, "bad"))
    assert job.share == 0.5
    job.advance((second,), 5, 5)
    assert job.share == 0.75
    assert job.steps_per_second > 0
    assert job.seconds_left is not None


def test_another_try_is_of_what_failed() -> None:
    job = run()
    job.fail(Failure(job.job.targets[0], "bad"))
    job.rest(Status.FAILED, "bad")
    job.begin_again()
    assert job.state is Status.WAITING
    assert job.todo.targets == job.job.targets
    assert not job.tracks[job.job.targets[0]].reason


def test_a_failed_picture_is_missing_but_not_untouched() -> None:
    job = run(3)
    assert job.untouched() == job.missing() == list(job.job.targets)
    first, second, third = job.job.targets
    job.fail(Failure(second, "bad"))
    assert job.untouched() == [first, third]
    assert job.missing() == [first, second, third]


def test_the_running_run_keeps_its_frames() -> None:
    running, waiting = run(1), run(1)
    for each in (running, waiting):
        track = each.track(each.job.targets[0])
        for step in range(1, 11):
            track.frames.add(step, picture())
    running.begin()
    limit_frames([running, waiting], allowed=0)
    assert [len(t.frames.steps) for each in (running, waiting) for t in each.tracks.values()] == [10, 2]


def test_the_oldest_runs_give_up_their_frames_first() -> None:
    old, new = run(1), run(1)
    for each in (old, new):
        for target in each.job.targets:
            track = each.track(target)
            for step in range(1, 11):
                track.frames.add(step, picture())
        each.rest(Status.DONE)
    limit_frames([old, new], allowed=13 * picture().nbytes)
    assert [len(t.frames.steps) for each in (old, new) for t in each.tracks.values()] == [2, 10]


def test_a_picture_counts_once_wherever_it_was_made_and_however_often_it_is_told() -> None:
    job = run(4)
    first, second, third, _ = job.job.targets
    job.skip(first, Path("a.png"))
    assert job.note_elsewhere(second, Path("b.png"))
    assert not job.note_elsewhere(second, Path("b.png"))
    assert not job.note_elsewhere(first, Path("a.png"))
    job.fail(Failure(third, "bad"))
    job.fail(Failure(third, "bad"))
    assert job.ended == 3
    job.count({"done": 3, "failed": 1})
    assert job.ended == 4
    assert len(job.missing()) == 2


def test_a_done_job_has_all_its_pictures_before_it_hears_of_those_of_others() -> None:
    job = run(3)
    job.skip(job.job.targets[0], Path("a.png"))
    job.rest(Status.DONE)
    assert job.ended == 3
    assert describe(job) == "done, 2 of 3 pictures, 1 was there already"


def test_everything_is_missing_when_all_is_made_anew() -> None:
    job = run(2)
    first, second = job.job.targets
    job.skip(first, Path("a.png"))
    job.note_elsewhere(second, Path("b.png"))
    job.rest(Status.DONE)
    job.begin_again(everything=True)
    assert (job.ended, job.share) == (0, 0)
    assert job.missing() == [first, second]
    assert job.note_elsewhere(second, Path("c.png"))
