"""The lines in which the window speaks of jobs and times."""

from pathlib import Path

import numpy as np
import pytest

from clipdesk.export.recipe import Activations
from clipdesk.gui.runs import Run
from clipdesk.gui.words import breakable, describe, describe_stored, duration, shortened, time_left, unbroken
from clipdesk.jobs.events import Result
from clipdesk.jobs.job import Job
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, owners_of
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.recipes import make_recipe


def job(count: int) -> Job:
    targets = tuple(Unit(layer="a", index=i) for i in range(count))
    return Job(model="demo", targets=targets, settings=make_settings(iterations=10))


def run(count: int = 1) -> Run:
    return Run(1, job(count))


def end(run: Run, index: int, *, steps: int = 10, start: float = 0.1, reached: float = 2.0) -> None:
    """Give a run the result of one of its targets."""
    target = run.job.targets[index]
    curve = np.linspace(start, reached, steps, dtype=np.float32)
    activation = Activations(start=start, end=reached, best=max(start, reached), picture=reached)
    recipe = make_recipe(target, run.job.settings, steps=steps).model_copy(update={"activation": activation})
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    result = Result(
        target=target,
        settings=run.job.settings,
        image=image,
        curve=curve,
        activation=float(curve[-1]),
        seconds=1.0,
        complete=steps == 10,
        recipe=recipe,
    )
    run.finish(result)


@pytest.mark.parametrize(("count", "line"), [(1, "waiting, 1 picture"), (3, "waiting, 3 pictures")])
def test_a_waiting_run_says_how_many_pictures_it_asks_for(count: int, line: str) -> None:
    assert describe(run(count)) == line


def test_a_failed_run_says_why() -> None:
    failed = run()
    failed.rest(Status.FAILED, "the disk is full")
    assert describe(failed) == "failed: the disk is full"


def test_a_running_run_says_which_pictures_and_which_step_it_is_at() -> None:
    running = run(5)
    running.begin()
    assert describe(running) == "starting …"
    end(running, 0)
    end(running, 1)
    running.advance(running.job.targets[2:4], 4, 8)
    assert describe(running).startswith("pictures 3-4 of 5, step 4 of 10")
    running.advance(running.job.targets[4:], 1, 1)
    end(running, 2)
    end(running, 3)
    assert describe(running).startswith("picture 5 of 5, step 1 of 10")
    running.rest(Status.PAUSED)
    assert describe(running) == "paused, picture 5 of 5, step 1 of 10"


def test_a_run_of_one_picture_does_not_count_pictures() -> None:
    running = run()
    running.begin()
    running.advance(running.job.targets, 4, 4)
    assert describe(running).startswith("step 4 of 10")


def test_the_time_left_is_said_once_it_is_known() -> None:
    running = run()
    assert time_left(running) == "waiting, 1 picture"
    running.begin()
    assert time_left(running) == "starting …"
    running.current = running.job.targets
    assert time_left(running) == "rendering"
    running.advance(running.job.targets, 4, 4)
    assert time_left(running).endswith(" left")
    assert "left" not in describe(running)


def test_a_finished_run_does_not_count_stopped_pictures_as_finished() -> None:
    ended = run(4)
    end(ended, 0)
    end(ended, 1, start=0.0, reached=0.0)
    end(ended, 2, steps=3)
    ended.rest(Status.CANCELLED)
    assert describe(ended) == f"{Status.CANCELLED.value}, 2 of 4 pictures, 1 more unfinished, 1 that nothing excited"


def test_pictures_that_show_nothing_of_their_target_are_counted_by_kind() -> None:
    ended = run(4)
    end(ended, 0)
    end(ended, 1, start=0.0, reached=0.0)
    end(ended, 2, start=0.5, reached=0.1)
    end(ended, 3, start=0.5, reached=0.1)
    ended.rest(Status.DONE)
    assert describe(ended) == ("done, 4 of 4 pictures, 2 that found nothing better than noise, 1 that nothing excited")


@pytest.mark.parametrize(
    ("start", "line"),
    [
        (0.0, "nothing excited it: the picture has no meaning"),
        (0.5, "found nothing better than noise: the picture has no meaning"),
    ],
)
def test_a_single_picture_that_shows_nothing_is_not_called_done(start: float, line: str) -> None:
    ended = run()
    end(ended, 0, start=start, reached=0.0)
    ended.rest(Status.DONE)
    assert describe(ended) == line


def test_a_job_of_another_process_says_its_status_and_what_failed(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "queue.sqlite")
    number = store.add(job(3), tmp_path)
    with Owner(owners_of(tmp_path / "queue.sqlite")) as owner:
        store.claim(owner, 2, store.get(number))
        store.finish(number, 0, file="a.png")
        store.finish(number, 1, reason="bad")
    store.wish(number, Wish.PAUSE)
    assert describe_stored(store.get(number)) == "paused, 1 of 3 done, 1 failed"
    store.close()


def test_a_long_word_gets_places_to_break_and_comes_back_without_them() -> None:
    address = "https://example.org/" + "a" * 60
    broken = breakable(f"Cannot reach {address} now")
    assert max(map(len, broken.replace("\u200b", " ").split())) <= 24
    assert broken.startswith("Cannot reach ")
    assert unbroken(broken) == f"Cannot reach {address} now"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (3599.4, "59 min 59 s"), (7800, "2 h 10 min")],
)
def test_durations_are_rounded_to_what_a_person_wants_to_know(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_run_that_waits_says_for_whom_and_who_renders_it() -> None:
    urgent = Run(1, job(1), urgent=True)
    assert describe(urgent) == "next, 1 picture"
    batch = run(3)
    end(batch, 0)
    batch.gives_way_to = "5:7"
    assert describe(batch) == "1 of 3 done, goes on by itself after 5:7"
    batch.gives_way_to = ""
    batch.count({"done": 1, "running": 2})
    assert describe(batch) == "1 of 3 done, another program renders it"


def test_a_run_that_is_being_prepared_says_how_far_it_is() -> None:
    starting = run()
    starting.begin()
    assert describe(starting) == "starting …"
    starting.preparing = "Loading PyTorch …"
    assert describe(starting) == "loading PyTorch …"


def test_a_long_label_is_cut_where_it_says_least() -> None:
    assert shortened("a star") == "a star"
    assert shortened('"a circle on a striped green background"') == '"a circle on a striped …'
    assert shortened("3.attn.attn_values_of_heads:117@max") == "…values_of_heads:117@max"
    assert len(shortened(100 * "x")) == 24
