"""Many: what was claimed is shared out among workers, and whatever becomes of them, each unit is done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clipdesk.errors import Cancelled, ClipDeskError
from clipdesk.jobs.events import Done, Ended, Event, Halted, Paused, Progress
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status, Wish
from tests.jobs.executors.toy_fleet import (
    PAGES,
    STEPS,
    NoProcess,
    Pages,
    ToyFleet,
    finished,
    job,
    many,
)
from tests.toy_work import WEIGHTS, Counting, CountingTask

pytestmark = pytest.mark.usefixtures("counting")


def test_the_claim_is_as_large_as_all_workers_groups() -> None:
    prepared = many(ToyFleet(lambda _: Pages(group=3))).prepare(job(), Hooks())
    assert (prepared.units, prepared.weights) == (6, WEIGHTS)


def test_all_workers_help_and_each_unit_is_done_once() -> None:
    counted: dict[str, list[tuple[str, ...]]] = {"one": [], "two": []}
    executor = many(ToyFleet(lambda place: Pages(counted=counted[place])))
    executor.prepare(job(), Hooks())
    assert finished(executor.run(job(), Hooks())) == Counter(PAGES)
    assert all(counted.values())
    assert sorted(page for groups in counted.values() for group in groups for page in group) == sorted(PAGES)


def test_what_cannot_be_divided_is_done_by_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "divisible", False)
    by_workers: list[tuple[str, ...]] = []
    executor = many(ToyFleet(lambda _: Pages(8, by_workers)))
    executor.prepare(job(), Hooks())
    assert finished(executor.run(job(), Hooks())) == Counter(PAGES)
    assert not by_workers


def test_few_units_are_shared_out_evenly() -> None:
    counted: list[tuple[str, ...]] = []
    executor = many(ToyFleet(lambda _: Pages(8, counted)))
    executor.prepare(job(PAGES[:4]), Hooks())
    assert finished(executor.run(job(PAGES[:4]), Hooks())) == Counter(PAGES[:4])
    assert [len(group) for group in counted] == [2, 2]


def test_progress_comes_of_all_workers() -> None:
    executor = many(ToyFleet(lambda _: Pages()))
    steps = [event for event in executor.run(job(PAGES[:4]), Hooks()) if isinstance(event, Progress)]
    assert sorted((event.targets, event.step) for event in steps) == [
        (targets, step + 1) for targets in (PAGES[:2], PAGES[2:4]) for step in range(STEPS)
    ]
    assert steps[0].activations.tolist() == [1.0, 1.0]
    assert len({step.worker for step in steps if step.worker is not None}) == 2


def test_further_units_are_taken_so_that_nobody_waits_for_the_slowest() -> None:
    rest = [job(PAGES[4:8]), job(PAGES[8:])]
    sizes: list[int] = []

    def more(size: int) -> Counting | None:
        sizes.append(size)
        return rest.pop(0) if rest else None

    executor = many(ToyFleet(lambda _: Pages()))
    executor.prepare(job(), Hooks())
    assert finished(executor.run(job(PAGES[:4]), Hooks(more=more))) == Counter(PAGES)
    assert not rest
    assert len(sizes) == 3, "asked until there was nothing more, and not again"


def test_stopping_gives_what_was_reached_and_ends() -> None:
    asked = iter([False, False, False])
    executor = many(ToyFleet(lambda _: Pages()))
    executor.prepare(job(), Hooks())
    events = list(executor.run(job(), Hooks(stop=lambda: next(asked, True))))
    assert sum(finished(iter(events)).values()) < len(PAGES)
    assert finished(executor.run(job(), Hooks())) == Counter(PAGES), "the workers are free for the next"


def test_a_worker_goes_no_further_than_the_head_has_room_for() -> None:
    counted: list[tuple[str, ...]] = []
    fleet = ToyFleet(lambda _: Pages(counted=counted), places=["one"])
    executor = many(fleet, limits=Limits(every=0.0, credit=2))
    executor.prepare(job(PAGES[:2]), Hooks())
    events = executor.run(job(PAGES[:2]), Hooks())
    assert isinstance(next(events), Progress)
    for _ in range(20):
        fleet.receive(0)
    assert not counted, "its three steps need three messages"
    assert finished(events) == Counter(PAGES[:2])


def test_what_is_closed_in_the_middle_is_dropped_by_the_workers() -> None:
    counted: list[tuple[str, ...]] = []
    fleet = ToyFleet(lambda _: Pages(counted=counted))
    executor = many(fleet)
    executor.prepare(job(), Hooks())
    events = executor.run(job(), Hooks())
    with closing(events):
        next(events)
    for _ in range(20):
        fleet.receive(0)
    assert not counted
    assert finished(executor.run(job(), Hooks())) == Counter(PAGES)


def test_preparing_can_be_given_up() -> None:
    with pytest.raises(Cancelled):
        many(ToyFleet(lambda _: Pages())).prepare(job(), Hooks(unwanted=lambda: True))


def test_what_workers_do_meanwhile_is_told() -> None:
    stages: list[str] = []
    many(ToyFleet(lambda _: Pages())).prepare(job(), Hooks(stage=stages.append))
    assert stages[0] == "Starting workers …"
    assert stages[1].endswith(": Opening the book …")


# With the queue


@pytest.fixture
def service(tmp_path: Path) -> Iterator[QueueService]:
    fleet = ToyFleet(lambda _: Pages())
    with closing(many(fleet)) as executor, closing(QueueService(tmp_path / "queue.sqlite", executor)) as service:
        yield service
    assert fleet.closed


def test_a_job_of_the_queue_is_done_by_workers_and_written_here(service: QueueService, tmp_path: Path) -> None:
    number = service.add(job(), tmp_path / "out")
    events = [step.event for step in service.steps()]
    assert events[-1] == Ended(Status.DONE)
    assert sum(isinstance(event, Ended) for event in events) == 1
    assert finished(iter(events)) == Counter(PAGES)
    files = {page: (tmp_path / "out" / f"{page}.txt").read_text() for page in PAGES}
    assert files == dict.fromkeys(PAGES, "counted\n")
    assert service.store.get(number).counts == {"done": len(PAGES)}


def test_what_is_there_already_is_passed_over_also_in_the_middle(service: QueueService, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for page in PAGES[3:9]:
        (tmp_path / "out" / f"{page}.txt").write_text("old\n")
    number = service.add(job(), tmp_path / "out")
    assert finished(step.event for step in service.steps()) == Counter(PAGES)
    assert (tmp_path / "out" / "page 5.txt").read_text() == "old\n"
    assert service.store.get(number).counts == {"done": len(PAGES)}


def test_a_job_pauses_as_it_stands_while_workers_do_another(service: QueueService, tmp_path: Path) -> None:
    first = service.add(job(), tmp_path / "first")
    second = service.add(job(PAGES[:2]), tmp_path / "second")
    order: list[tuple[int, str]] = []
    for step in service.steps():
        if isinstance(step.event, Progress) and len(order) == 1:
            service.wish(first, Wish.PAUSE)
        order.append((step.stored.number, type(step.event).__name__))
        if step.event == Ended(Status.DONE) and step.stored.number == second:
            service.wish(first, Wish.RUN)
    assert (first, Paused.__name__) in order
    assert order.index((second, "Ended")) < order.index((first, "Ended"))
    assert sorted(path.name for path in (tmp_path / "first").glob("*.txt")) == sorted(f"{page}.txt" for page in PAGES)


def test_a_cancelled_job_ends_within_a_step_of_each_worker(service: QueueService, tmp_path: Path) -> None:
    number = service.add(job(), tmp_path / "out")
    events: list[Event] = []
    for step in service.steps():
        events.append(step.event)
        if len(events) == 3:
            service.wish(number, Wish.CANCEL)
    assert events[-1] == Ended(Status.CANCELLED)
    assert len([event for event in events if isinstance(event, Progress)]) <= 3 + 2
    assert service.store.get(number).counts.get("running") is None


def test_an_urgent_job_goes_first_once_the_claims_are_done(service: QueueService, tmp_path: Path) -> None:
    pages = tuple(f"leaf {i}" for i in range(60))
    first = service.add(job(pages), tmp_path / "first")
    urgent = 0
    ended: list[int] = []
    for step in service.steps():
        if isinstance(step.event, Progress) and not urgent:
            urgent = service.add(job(PAGES[:2]), tmp_path / "urgent", urgent=True)
        if isinstance(step.event, Ended):
            ended.append(step.stored.number)
    assert ended == [urgent, first]


def test_a_job_waits_paused_where_there_is_no_worker(tmp_path: Path) -> None:
    executor = many(NoProcess(lambda _: Pages()))
    with closing(QueueService(tmp_path / "queue.sqlite", executor)) as service:
        number = service.add(job(), tmp_path / "out")
        events = [step.event for step in service.steps()]
        reason = "There is no worker: one: no such program; two: no such program"
        assert Halted(reason) in events
        stored = service.store.get(number)
        assert (stored.status, stored.reason, stored.counts) == (Status.PAUSED, reason, {"waiting": len(PAGES)})


def test_errors_keep_their_kind() -> None:
    executor = many(ToyFleet(lambda _: Pages(problem=ClipDeskError("It cannot be read"))))
    with pytest.raises(ClipDeskError) as found:
        executor.prepare(job(), Hooks())
    assert type(found.value) is ClipDeskError


def test_what_is_done_is_let_go_of_at_once_and_not_with_the_whole_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[str] = []
    monkeypatch.setattr(CountingTask, "release", lambda _, units: released.extend(units))
    with closing(QueueService(tmp_path / "queue.sqlite", many(ToyFleet(lambda _: Pages())))) as service:
        service.add(job(), tmp_path / "out")
        done: list[str] = []
        for step in service.steps():
            if isinstance(step.event, Done):
                done.append(step.event.target)
                assert released == done
    assert sorted(released) == sorted(PAGES), "each once"


def test_a_worker_says_how_many_units_it_has_in_hand() -> None:
    executor = many(ToyFleet(lambda _: Pages(group=2)))
    executor.prepare(job(), Hooks())
    most = 0
    for _ in executor.run(job(), Hooks()):
        held = [member.busy for member in executor.workers]
        assert min(held) >= 0
        most = max(most, *held)
    assert most == 4, "two claims of two"
    assert [member.busy for member in executor.workers] == [0, 0]


def test_a_round_that_is_given_up_leaves_a_worker_what_it_has_of_another() -> None:
    executor = many(ToyFleet(lambda _: Pages(), places=("one",)))
    (paused, given_up) = (executor.run(job(pages), Hooks()) for pages in (PAGES[:6], PAGES[6:]))
    next(paused)
    (member,) = executor.workers
    held = member.busy
    next(given_up)
    assert member.busy > held > 0
    given_up.close()
    assert member.busy == held
    assert finished(paused) == Counter(PAGES[:6])
    assert member.busy == 0
