"""What the running job does, on its way from the render thread to the window."""

import numpy as np
import pytest

from clipdesk.gui.live import Mailbox, take_in
from clipdesk.gui.runs import Run
from clipdesk.jobs.events import Progress
from clipdesk.jobs.job import Job
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit


def progress(index: int, step: int) -> Progress:
    targets = (Unit(layer="a", index=index),)
    return Progress(targets, step, 9, np.full(1, step, np.float32))


def test_a_mailbox_keeps_groups_and_jobs_apart_and_drops_no_number() -> None:
    mailbox = Mailbox()
    for number, index, step in ((1, 0, 1), (1, 0, 2), (1, 1, 1), (2, 1, 2), (2, 1, 3)):
        mailbox.post(number, progress(index, step))
    found = [
        (live.number, live.targets[0].label, [float(point[0]) for point in live.points]) for live in mailbox.take()
    ]
    assert found == [(1, "a:0", [1, 2]), (1, "a:1", [1]), (2, "a:1", [2, 3])]
    assert mailbox.take() == []


def test_the_newest_picture_replaces_older_ones() -> None:
    mailbox = Mailbox()
    targets = (Unit(layer="a", index=0),)
    for step, value in ((1, 10), (2, 20), (3, None)):
        images = None if value is None else np.full((1, 4, 4, 3), value, np.uint8)
        mailbox.post(1, Progress(targets, step, 9, np.full(1, step, np.float32), images=images))
    (live,) = mailbox.take()
    assert live.images is not None
    assert (live.step, int(live.images[0, 0, 0, 0])) == (3, 20)


def test_pictures_are_wanted_at_the_first_and_last_step_and_thirty_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("clipdesk.gui.live.time.monotonic", lambda: now)
    mailbox = Mailbox()
    assert [mailbox.wanted(step, 9) for step in (1, 2, 9)] == [True, False, True]
    now += 0.04
    assert [mailbox.wanted(step, 9) for step in (3, 4)] == [True, False]


def test_a_run_takes_in_each_number_once_and_begins_anew_at_the_first_step() -> None:
    targets = (Unit(layer="a", index=0),)
    run = Run(1, Job(model="demo", targets=targets, settings=make_settings(iterations=9)))
    mailbox = Mailbox()
    for steps in ((1, 2), (3,)):
        for step in steps:
            mailbox.post(1, progress(0, step))
        for live in mailbox.take():
            take_in(run, live)
    assert run.track(targets[0]).curve.values.tolist() == [1, 2, 3]
    mailbox.post(1, progress(0, 1))
    for live in mailbox.take():
        take_in(run, live)
    assert run.track(targets[0]).curve.values.tolist() == [1], "tried again, its curve is of the new try only"
