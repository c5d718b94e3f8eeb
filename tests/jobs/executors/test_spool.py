"""SpoolFleet and Relay: a head and its workers with nothing between them but a folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from clipdesk.errors import Cancelled, ClipDeskError, NoWorkersError, UsageError
from clipdesk.jobs.events import Done, Event, Failure, Result
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors import relay as relays
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.letters import Outbox, Pace, head_box, open_spool, read_beat, relay_box, write_beat
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.relay import Relay
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.executors.spool import SpoolFleet
from clipdesk.jobs.executors.versions import greeting
from clipdesk.jobs.executors.wire import Message
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.models.names import Checkpoint
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER
from tests.jobs.executors.toy_fleet import Clock, NoProcess, Pages
from tests.jobs.executors.toy_relay import QUICK, Computer, Running, each_has, running
from tests.toy_work import Counting

SOON = Pace(poll=0.01, beat=0.05, silent=3.0)
PAGES = tuple(f"page {number}" for number in range(20))
JOB = Counting(model="demo", pages=PAGES)
UNITS = tuple(Unit(layer=VIT_LAYER, index=index) for index in range(3))

LENDER = """
import pathlib, signal, sys
from clipdesk.jobs.executors.local import LocalFleet
from clipdesk.jobs.executors.relay import Relay
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
Relay(pathlib.Path(sys.argv[1]), lambda: LocalFleet(count=1)).run()
"""


pytestmark = pytest.mark.usefixtures("counting")


def head(spool: Path, said: list[str] | None = None, *, ends: bool = False, pace: Pace = QUICK) -> Many:
    tell: Callable[[str], object] = (lambda _: None) if said is None else said.append
    return Many(SpoolFleet(spool, pace=pace, ends=ends), Here(), tell=tell, limits=Limits(every=0.0))


def done(events: Iterator[Event]) -> Counter[object]:
    return Counter(event.target for event in events if isinstance(event, Done | Failure))


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_workers_of_all_relays_help_and_wait_for_the_next_head(tmp_path: Path) -> None:
    both = Running(tmp_path), Running(tmp_path)
    with running(*both):
        for turn in (1, 2):
            with closing(head(tmp_path)) as executor:
                executor.prepare(JOB, Hooks())
                events = executor.run(JOB, Hooks())
                found = [next(events)]
                wait_for(partial(each_has, both, turn))
                assert done(iter([*found, *events])) == Counter(PAGES)
                assert len(executor.workers) == 4
            wait_for(partial(each_has, both, turn, "The head has gone"))
        assert all(fleet.closed for each in both for fleet in each.fleets)
        assert sorted(page for each in both for (page,) in each.counted) == sorted(PAGES * 2)
    assert list((tmp_path / "relays").iterdir()) == []


def test_a_computer_that_hangs_is_given_up_in_one_line_and_begins_anew_when_it_wakes(tmp_path: Path) -> None:
    said: list[str] = []
    slow, other = Running(tmp_path), Running(tmp_path)
    with running(slow, other), closing(head(tmp_path, said, pace=SOON)) as executor:
        wait_for(lambda: executor.prepare(JOB, Hooks()) and len(executor.workers) == 4)
        events = executor.run(JOB, Hooks())
        found = []
        while not slow.counted:
            found.append(next(events))
        slow.computer.awake.clear()
        assert done(iter([*found, *events])) == Counter(PAGES)
        assert len(said) == 2, "a line for each of its workers"
        assert all(line.endswith(" is given up: there was no sign of life for 3 seconds") for line in said)
        slow.computer.awake.set()
        wait_for(lambda: "The head has given this worker up" in slow.said)
        wait_for(lambda: executor.prepare(JOB.part([0]), Hooks()) and len(slow.fleets) == 2)


def test_what_a_computer_was_on_that_is_taken_back_is_done_by_others_and_no_try_is_counted(tmp_path: Path) -> None:
    said: list[str] = []
    preempted, other = Running(tmp_path), Running(tmp_path)
    with running(preempted, other):
        fleet = SpoolFleet(tmp_path, pace=QUICK)
        with closing(Many(fleet, Here(), tell=said.append, limits=Limits(tries=1, every=0.0))) as executor:
            wait_for(lambda: executor.prepare(JOB, Hooks()) and len(executor.workers) == 4)
            events = executor.run(JOB, Hooks())
            found = [next(events) for _ in range(4)]
            preempted.computer.problem = KeyboardInterrupt()
            found += events
    assert Counter(event.target for event in found if isinstance(event, Done)) == Counter(PAGES)
    assert {line.partition(": ")[2] for line in said} == {"its job or process was ended"}
    assert preempted.said[-1].startswith("KeyboardInterrupt")


def test_after_a_head_that_was_killed_workers_end_and_serve_the_next_one(tmp_path: Path) -> None:
    relay = Running(tmp_path, pace=SOON)
    with running(relay):
        killed = SpoolFleet(tmp_path, pace=QUICK)
        executor = Many(killed, Here(), limits=Limits(every=0.0))
        executor.prepare(JOB, Hooks())
        next(executor.run(JOB, Hooks()))
        # As with kill -9: nothing is said any more.
        killed._beats._over.set()
        wait_for(lambda: "The head has said nothing for 3 seconds" in relay.said)
        assert relay.fleets[0].closed
        with closing(head(tmp_path)) as another:
            another.prepare(JOB, Hooks())
            assert done(another.run(JOB, Hooks())) == Counter(PAGES)


def test_a_second_head_is_refused_by_name_and_one_that_has_ended_is_no_hindrance(tmp_path: Path) -> None:
    problem = f"is used by another head already: process {os.getpid()} on "
    with closing(SpoolFleet(tmp_path, pace=QUICK)), pytest.raises(UsageError, match=problem):
        SpoolFleet(tmp_path, pace=Pace(poll=0.01))
    SpoolFleet(tmp_path, pace=Pace(beat=600.0)).close()


def test_a_head_whose_folder_was_taken_over_stops_in_one_line(tmp_path: Path) -> None:
    with closing(SpoolFleet(tmp_path, pace=QUICK)) as fleet:
        write_beat(head_box(tmp_path), {"form": 1, "head": "other", "host": "there", "process": 7})
        wait_for(lambda: fleet._beats.problem)
        with pytest.raises(NoWorkersError, match="another head has taken it over, process 7 on there"):
            fleet.receive(1.0)
    assert read_beat(head_box(tmp_path))["head"] == "other"


def test_another_version_is_one_line_on_each_side_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    versions = iter([{"torch": "1.0"}])
    monkeypatch.setattr(relays, "greeting", lambda: greeting() | next(versions, {}))
    with closing(head(tmp_path, said)) as executor:
        old = Running(tmp_path)
        wait_for(lambda: old.fleets)
        with running(old, Running(tmp_path)):
            executor.prepare(JOB, Hooks())
            assert done(executor.run(JOB, Hooks())) == Counter(PAGES)
            wait_for(lambda: executor.prepare(JOB, Hooks()) and not old.thread.is_alive())
    assert {line.partition(": ")[2].partition(",")[0] for line in said} == {"it has torch 1.0"}
    assert "The head cannot use this worker: it has torch 1.0" in old.said[-1]


def test_a_head_of_another_form_is_refused_by_the_relay(tmp_path: Path) -> None:
    open_spool(tmp_path)
    write_beat(head_box(tmp_path), {"form": 99, "head": "new"})
    relay = Running(tmp_path)
    relay.thread.join(20)
    assert relay.said[-1].startswith("UsageError: The head in this folder is of another version of ClipDesk")


def test_relays_that_were_started_for_a_head_end_with_it_also_those_that_come_late(tmp_path: Path) -> None:
    relay = Running(tmp_path)
    with closing(head(tmp_path, ends=True)) as executor:
        executor.prepare(JOB, Hooks())
    relay.thread.join(20)
    late = Running(tmp_path)
    late.thread.join(20)
    assert relay.said[-1] == late.said[-1] == "The head has ended its workers"
    assert late.fleets == []


def test_a_relay_ends_when_no_head_comes(tmp_path: Path) -> None:
    with closing(SpoolFleet(tmp_path, pace=QUICK)):
        beat = read_beat(head_box(tmp_path))
    # What one has left that was killed is no head.
    write_beat(head_box(tmp_path), {key: beat[key] for key in ("form", "head", "beat")})
    relay = Running(tmp_path, idle=0.2)
    relay.thread.join(20)
    assert relay.said[-1] == "No head came within 0.2 seconds"
    assert relay.fleets == []


def test_a_head_waits_for_workers_says_how_to_start_them_and_can_be_stopped(tmp_path: Path) -> None:
    stages: list[str] = []
    with closing(head(tmp_path)) as executor:
        with pytest.raises(Cancelled):
            executor.prepare(JOB, Hooks(stage=stages.append, unwanted=lambda: len(stages) > 3))
        assert stages[-1] == f"Waiting for workers: clipdesk worker --spool '{tmp_path}'"
        with pytest.raises(Cancelled):
            list(executor.run(JOB, Hooks(stage=stages.append, unwanted=lambda: len(stages) > 6)))
        assert list(executor.run(JOB, Hooks(stop=lambda: True))) == []


def test_workers_that_cannot_be_started_are_given_up(tmp_path: Path) -> None:
    said: list[str] = []
    broken, sound = Running(tmp_path, make=lambda make: NoProcess(make, ("one",))), Running(tmp_path)
    with running(broken, sound), closing(head(tmp_path, said)) as executor:
        wait_for(lambda: executor.prepare(JOB, Hooks()) and len(executor.workers) == 3)
        assert done(executor.run(JOB, Hooks())) == Counter(PAGES)
        wait_for(lambda: executor.prepare(JOB, Hooks()) and said[-1:] and " is given up: no such" in said[-1])


def test_a_folder_that_cannot_be_used_any_more_is_one_line_of_the_relay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(head(tmp_path)):
        relay = Relay(tmp_path, lambda: Computer(lambda _: Pages()), pace=QUICK)
        monkeypatch.setattr(Path, "mkdir", lambda *_, **__: full())
        with pytest.raises(ClipDeskError, match=f"no way to a head through {tmp_path}: No space left on device"):
            relay.run()


def greet(fleet: SpoolFleet) -> None:
    """Have two relays say hello to a head, which have nothing but their boxes."""
    for name in ("one", "two"):
        relay_box(fleet.folder, name).mkdir()
        outbox = Outbox(head_box(fleet.folder), fleet._id, name)
        outbox.put(Message("hello", 0, {**greeting(), "places": ["GPU 0"]}))
        outbox.write()
    fleet.receive(0.0)


def test_a_relay_whose_box_is_refused_is_given_up_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with closing(SpoolFleet(tmp_path, pace=QUICK, clock=clock)) as fleet:
        greet(fleet)
        first, second = map(fleet.start, list(fleet.places()))
        replace = os.replace

        def refuse(source: Path, target: Path) -> None:
            if target.parent == relay_box(tmp_path, "one"):
                raise PermissionError(13, "Permission denied")
            replace(source, target)

        monkeypatch.setattr(os, "replace", refuse)
        for clock.now in (1.0, 10.9):
            assert fleet.receive(0.0) == [], "a scanner may have it"
        clock.now = 11.1
        assert fleet.receive(0.0) == [(first, Gone("nothing can be written to its folder: Permission denied"))]
        assert [place.partition(" (")[2] for place in fleet.places()] == ["two)"]
        fleet.send(second, b"more")
        clock.now = 12.0
        assert fleet.receive(0.0) == []
        assert len(list(relay_box(tmp_path, "two").iterdir())) == 2


def test_one_relay_that_cannot_be_told_of_the_end_keeps_it_from_no_other(tmp_path: Path) -> None:
    fleet = SpoolFleet(tmp_path, pace=QUICK, ends=True)
    greet(fleet)
    shutil.rmtree(relay_box(tmp_path, "one"))
    fleet.close()
    assert len(list(relay_box(tmp_path, "two").iterdir())) == 1


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_one_line_of_the_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Running(tmp_path)), closing(head(tmp_path)) as executor:
        executor.prepare(JOB, Hooks())
        events = executor.run(JOB, Hooks())
        next(events)
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", full)
            problem = f"There is no way to the workers through {tmp_path}: No space left on device"
            with pytest.raises(NoWorkersError, match=problem):
                list(events)
        assert done(executor.run(JOB, Hooks())) == Counter(PAGES), "what was not written comes as soon as there is room"


def test_a_folder_that_goes_is_one_line_of_the_head(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    with closing(SpoolFleet(spool, pace=QUICK)) as fleet:
        greet(fleet)
        fleet.start(fleet.places()[0])
        shutil.rmtree(spool)
        for _ in range(2):
            with pytest.raises(NoWorkersError, match=f"no way to the workers through {spool}: No such file"):
                fleet.receive(0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
def test_real_processes_render_what_this_one_would_and_end_with_their_relay(checkpoint: Path, tmp_path: Path) -> None:
    settings = make_settings(iterations=3, views=1, device="cpu")
    job = Job(model=Checkpoint(checkpoint), targets=UNITS, settings=settings)
    spool = tmp_path / "spool"
    with (
        closing(Many(SpoolFleet(spool), Here(), limits=Limits(most=1))) as executor,
        subprocess.Popen([sys.executable, "-c", LENDER, str(spool)]) as process,
    ):
        executor.prepare(job, Hooks())
        found = {each.target: each for each in executor.run(job, Hooks()) if isinstance(each, Result)}
        (member,) = executor.workers
        worker = psutil.Process(member.process)
        assert worker.ppid() == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 1
    worker.wait(60)
    expected = [each for each in Here(most=lambda *_: 1).run(job, Hooks()) if isinstance(each, Result)]
    assert found.keys() == set(UNITS)
    assert all(np.array_equal(found[each.target].image, each.image) for each in expected)
