"""Workers that die, hang or cannot work: what becomes of them and of their units."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from clipdesk.errors import Cancelled, DeviceLostError, NoWorkersError, UsageError
from clipdesk.jobs.events import Failure
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors import roster
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.roster import Roster
from clipdesk.jobs.executors.rounds import Limits
from tests.jobs.executors.toy_fleet import (
    PAGES,
    Clock,
    Killed,
    NoProcess,
    Pages,
    ToyFleet,
    finished,
    job,
    many,
)
from tests.toy_work import WEIGHTS

pytestmark = pytest.mark.usefixtures("counting")


def kill_once(*pages: str) -> Callable[[tuple[str, ...]], None]:
    """Ends the worker that begins one of these pages, the first time."""
    left = set(pages)

    def before(group: tuple[str, ...]) -> None:
        for page in left & set(group):
            left.discard(page)
            raise Killed("its process was killed")

    return before


def test_what_a_dead_worker_had_is_done_by_others_and_it_is_started_again() -> None:
    before = kill_once(PAGES[0])
    fleet = ToyFleet(lambda _: Pages(before=before))
    said: list[str] = []
    executor = many(fleet, said)
    assert finished(executor.run(job(), Hooks())) == Counter(PAGES)
    assert fleet.started[:2] == ["one", "two"]
    assert len(fleet.started) == 3
    assert len(said) == 1
    assert said[0].endswith(" is started again: its process was killed")


def kill_always(page: str) -> Callable[[tuple[str, ...]], None]:
    def before(group: tuple[str, ...]) -> None:
        if page in group:
            raise Killed("its process was killed")

    return before


def test_a_unit_that_kills_its_workers_fails_alone_after_three_tries() -> None:
    fleet = ToyFleet(lambda _: Pages(before=kill_always("page 5")))
    events = list(many(fleet).run(job(), Hooks()))
    assert finished(iter(events)) == Counter(page for page in PAGES if page != "page 5")
    (failure,) = [event for event in events if isinstance(event, Failure)]
    assert failure.target == "page 5"
    assert failure.reason == "It was tried 3 times, and each time its worker failed: its process was killed"
    assert len(fleet.started) == 2 + 3


def test_a_device_that_is_lost_costs_no_unit() -> None:
    faults = [DeviceLostError("The device cuda has failed (ECC)")]

    def before(group: tuple[str, ...]) -> None:
        if faults:
            raise faults.pop()

    fleet = ToyFleet(lambda _: Pages(before=before))
    assert finished(many(fleet).run(job(), Hooks())) == Counter(PAGES)
    assert len(fleet.started) == 3, "its process is another now"


def test_an_unexpected_error_fails_the_unit_and_keeps_the_details() -> None:
    def before(group: tuple[str, ...]) -> None:
        if "page 3" in group:
            raise ZeroDivisionError("by zero")

    events = list(many(ToyFleet(lambda _: Pages(before=before))).run(job(), Hooks()))
    assert sum(finished(iter(events)).values()) == len(PAGES) - 1
    (failure,) = [event for event in events if isinstance(event, Failure)]
    assert failure.target == "page 3"
    assert failure.reason.endswith("ZeroDivisionError: by zero")
    assert "Traceback" in failure.details


def test_a_worker_that_cannot_do_the_job_is_left_out_and_named() -> None:
    problem = UsageError("There is no file model.pt")
    said: list[str] = []
    counted: list[tuple[str, ...]] = []
    executor = many(ToyFleet(lambda place: Pages(counted=counted, problem=problem if place == "one" else None)), said)
    assert executor.prepare(job(), Hooks()).weights == WEIGHTS
    assert finished(executor.run(job(), Hooks())) == Counter(PAGES)
    assert len(said) == 1
    assert said[0].startswith("one on ")
    assert said[0].endswith(" does not help with this job: There is no file model.pt")


def test_a_job_that_no_worker_can_do_says_why() -> None:
    executor = many(ToyFleet(lambda _: Pages(problem=UsageError("There is no file model.pt"))))
    with pytest.raises(UsageError, match=r"^There is no file model.pt$"):
        executor.prepare(job(), Hooks())


def test_a_worker_that_dies_at_each_start_is_given_up_and_the_job_says_so() -> None:
    def start(_: str) -> Pages:
        return Pages(before=kill_always("page 0"))

    fleet = ToyFleet(start, places=["one"])
    said: list[str] = []
    executor = many(fleet, said, Limits(every=0.0, tries=9))
    with pytest.raises(NoWorkersError, match=r"There is no worker any more: one on .*: its process was killed"):
        list(executor.run(job(PAGES[:1]), Hooks()))
    assert len(fleet.started) == 4
    assert said[-1].endswith("is given up: its process was killed")


def test_workers_that_cannot_be_started_are_named() -> None:
    with pytest.raises(NoWorkersError, match="There is no worker: one: no such program; two: no such program"):
        many(NoProcess(lambda _: Pages())).prepare(job(), Hooks())


def test_a_worker_of_another_version_is_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "mismatch", lambda said: "it has torch 2.6.0, and here is 2.15.0")
    said: list[str] = []
    fleet = ToyFleet(lambda _: Pages(), places=["one"])
    with pytest.raises(NoWorkersError, match=r"it has torch 2\.6\.0, and here is 2\.15\.0"):
        many(fleet, said).prepare(job(), Hooks())
    assert len(said) == 1
    assert fleet.started == ["one"], "another process would be no better"


def test_a_worker_that_hangs_is_ended_and_what_it_had_is_done() -> None:
    clock = Clock()
    fleet = ToyFleet(lambda _: Pages())
    executor = many(fleet, clock=clock)
    executor.prepare(job(), Hooks())
    asked: list[float] = []

    def passing() -> bool:
        # The first worker hangs from now on, and time goes by.
        asked.append(clock.now)
        fleet.frozen = {1} if len(asked) > 2 else set()
        clock.now += 100.0
        return False

    assert finished(executor.run(job(), Hooks(stop=passing))) == Counter(PAGES)
    assert fleet.started == ["one", "two", "one"]


def test_a_worker_that_has_no_room_yet_is_waited_for_and_says_what_it_lacks() -> None:
    fleet, clock, said = ToyFleet(lambda _: Pages(), places=["one"]), Clock(), list[str]()
    roster = Roster(fleet, said.append, clock=clock)
    roster.start()
    fleet.lacking = "Waiting for Ray: no free GPU"
    for _ in range(2):
        clock.now += 700.0
        roster.end_the_silent(600, [])
        assert roster.awaited == "Waiting for Ray: no free GPU"
    assert not said
    fleet.lacking, clock.now = "", 2_100.0
    roster.end_the_silent(600, [])
    assert said == ["one is started again: it has said nothing for 600 seconds"]
    assert roster.awaited == ""
    roster.hear(0)
    assert [member.reason for member in roster.ready] == [""]


def test_a_job_says_what_its_workers_lack() -> None:
    class Full(ToyFleet):
        """No worker has begun."""

        def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
            """As `Fleet.receive`."""
            return ()

    fleet, said = Full(lambda _: Pages()), list[str]()
    fleet.lacking = "Waiting for Ray: no free GPU"
    executor = many(fleet)
    with pytest.raises(Cancelled):
        executor.prepare(job(), Hooks(stage=said.append, unwanted=lambda: fleet.lacking in said))
    stopping = Hooks(stage=said.append, stop=lambda: len(said) > 4)
    assert list(executor.run(job(), stopping)) == []
    assert set(said) == {"Starting workers …", fleet.lacking}


def test_workers_that_do_not_stop_are_not_waited_for() -> None:
    clock = Clock()
    fleet = ToyFleet(lambda _: Pages())
    executor = many(fleet, clock=clock)
    executor.prepare(job(), Hooks())

    def stop() -> bool:
        clock.now += 20.0
        fleet.frozen = {1, 2}
        return True

    assert not finished(executor.run(job(), Hooks(stop=stop)))
    assert fleet.started == ["one", "two", "one"], "the second had nothing to do yet"


def test_of_workers_that_are_lost_with_their_places_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of jobs that a cluster takes back and starts again, each of which is another worker."""
    monkeypatch.setattr(roster, "_MOST_LOST", 3)
    places = ["stays"]
    fleet = ToyFleet(lambda _: Pages(), places)
    found = Roster(fleet, lambda _: None)
    for turn in range(20):
        places[1:] = [f"job {turn}"]
        found.start()
        found.hear(0)
        del places[1:]
        found.restart(found.members[f"job {turn}"], "its job was taken back", recalled=True)
        found.hear(0)
    assert list(found.members) == ["stays", "job 17", "job 18", "job 19"]
    assert [member.place for member in found._by_number.values()] == ["stays"]


def test_a_wrong_clock_is_named_once_and_the_work_goes_on() -> None:
    fleet = ToyFleet(lambda _: Pages(), places=("one", "two", "three"))
    fleet.walls = {place: lambda: time.time() - 10_800 for place in ("one", "two")}
    said: list[str] = []
    assert finished(many(fleet, said).run(job(), Hooks())) == Counter(PAGES)
    host = socket.gethostname()
    assert said == [f"The clock of {host} is 3 hours behind. Pictures do not depend on it, but times in its log do"], (
        "all workers are on one computer, so it is said once"
    )
