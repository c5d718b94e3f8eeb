"""A survey whose pictures workers read: it is what one pass gives, and goes on whoever dies."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.divided import compare_surveys, loaded
from clipdesk.activations import shards
from clipdesk.activations.storing import all_surveys, delete_survey, left_out_of, open_survey, read_thumbnail
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import SurveyProgress, survey_images
from clipdesk.errors import ClipDeskError, NoWorkersError, UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.jobs.events import Done, Ended, Event, PartRead, Progress
from clipdesk.jobs.executor import Executor, Hooks, Prepared
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.here import Here
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.jobs.shard_work import Shard, ShardWork
from clipdesk.jobs.status import Status
from clipdesk.jobs.work import Work
from clipdesk.models.names import find_name
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.paths import surveys_folder
from tests.cli.surveys import LAYER, photos
from tests.jobs.executors.toy_fleet import Killed, NoProcess, ToyFleet

PICTURES, BROKEN = 189, 3
FIRST = ((0, 32),)


@pytest.fixture(autouse=True)
def _small_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(shards, "_FEWEST", 32)


@pytest.fixture
def opened(checkpoint: Path) -> OpenModel:
    return open_model(checkpoint, "cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos(tmp_path / "photos", PICTURES, broken=BROKEN)
    return tmp_path / "photos"


class Reader:
    """A worker's executor.

    Args:
        read: Takes the shards that were begun.
        before: Called with every event before it is given.
        images: Where its images are, if not where the head's are.
    """

    def __init__(
        self, read: list[Shard], before: Callable[[Event], object] = lambda _: None, images: str | None = None
    ) -> None:
        self._here, self._read, self._before, self._images = Here(), read, before, images

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        return self._here.prepare(self._own(job), hooks)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        assert isinstance(job, ShardWork)
        self._read += job.shards
        for event in self._here.run(self._own(job), hooks):
            self._before(event)
            yield event

    def _own(self, job: Work) -> Work:
        return job if self._images is None else job.model_copy(update={"images": self._images})


def pulled(
    opened: OpenModel, folder: Path, executor: Executor, stop: Callable[[], bool] = lambda: False
) -> Generator[SurveyProgress, None, None]:
    assert isinstance(executor, Many)
    divided = executor.divided(Hooks(stop=stop), "cpu")
    return survey_images(opened, open_image_set(folder), [LAYER], divided=divided)


def made(opened: OpenModel, folder: Path, executor: Executor) -> Survey:
    *_, end = pulled(opened, folder, executor)
    assert (end.done, end.total) == (PICTURES + BROKEN, PICTURES + BROKEN)
    assert end.folder is not None
    return open_survey(end.folder)


def check_as_here(opened: OpenModel, images: Path) -> None:
    """The survey that is there is the one that this process makes, but for the last digits of sums."""
    ((folder, _),) = all_surveys()
    found, away = loaded(open_survey(folder)), left_out_of(folder)
    thumbnails = [read_thumbnail(folder, picture.place) for picture in found.pictures]
    delete_survey(folder)
    *_, end = survey_images(opened, open_image_set(images), [LAYER])
    assert end.folder == folder
    whole = open_survey(folder)
    compared = compare_surveys(found, whole)
    assert not compared.different
    assert compared.sums < 1e-6
    assert thumbnails == [read_thumbnail(folder, picture.place) for picture in whole.pictures]
    assert away == left_out_of(folder)
    assert len(away) == BROKEN
    assert not list(folder.parent.glob("*/shard-*"))


def test_a_divided_survey_is_that_of_one_pass(opened: OpenModel, folder: Path) -> None:
    read: list[Shard] = []
    fleet = ToyFleet(lambda _: Reader(read))
    *steps, _ = pulled(opened, folder, Many(fleet, Here()))
    assert len(read) == 6
    assert fleet.started == ["one", "two"]
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    check_as_here(opened, folder)


def test_a_worker_that_dies_costs_its_shard_alone(opened: OpenModel, folder: Path) -> None:
    read: list[Shard] = []
    left = [FIRST]

    def before(event: Event) -> None:
        if isinstance(event, PartRead) and event.target in left:
            left.clear()
            raise Killed("its process was killed")

    made(opened, folder, Many(ToyFleet(lambda _: Reader(read, before)), Here()))
    assert sorted(read) == sorted([FIRST, *((each,) for each in zip(*cuts(), strict=True))])
    check_as_here(opened, folder)


def cuts() -> tuple[list[int], list[int]]:
    total = PICTURES + BROKEN
    starts = list(range(0, total, 32))
    return starts, [min(start + 32, total) for start in starts]


def test_a_head_that_was_killed_goes_on_with_the_shards_that_had_come(opened: OpenModel, folder: Path) -> None:
    read: list[Shard] = []
    survey = pulled(opened, folder, Many(ToyFleet(lambda _: Reader(read)), Here()))
    while next(survey).done <= 100:
        pass
    with pytest.raises(Killed):
        survey.throw(Killed())
    kept = len(list(surveys_folder().glob("*.partial/shard-*-*-*")))
    assert kept >= 2
    again: list[Shard] = []
    made(opened, folder, Many(ToyFleet(lambda _: Reader(again)), Here()))
    assert sum(stop - start for ((start, stop),) in again) == PICTURES + BROKEN - 32 * kept
    check_as_here(opened, folder)


def test_who_stops_keeps_what_was_read_and_another_pass_goes_on(opened: OpenModel, folder: Path) -> None:
    asked: list[bool] = []
    read: list[Shard] = []
    survey = pulled(opened, folder, Many(ToyFleet(lambda _: Reader(read)), Here()), lambda: bool(asked))
    assert next(survey).done == 32
    asked.append(True)
    reached = next(survey).done
    survey.close()
    assert reached == 64, "both workers were at one"
    # In this process, without workers.
    *_, first, end = survey_images(opened, open_image_set(folder), [LAYER])
    assert end.folder is not None
    assert end.done == first.done == PICTURES + BROKEN
    check_as_here(opened, folder)


def test_only_what_is_new_in_a_set_is_read(opened: OpenModel, folder: Path) -> None:
    made(opened, folder, Many(ToyFleet(lambda _: Reader([])), Here()))
    photos(folder, PICTURES + 40, broken=BROKEN)
    read: list[Shard] = []
    *_, end = pulled(opened, folder, Many(ToyFleet(lambda _: Reader(read)), Here()))
    assert end.folder is not None
    assert len(open_survey(end.folder).pictures) == PICTURES + 40
    assert sum(stop - start for shard in read for start, stop in shard) == 40 + BROKEN


def test_a_worker_with_other_images_is_left_out_and_without_others_the_survey_fails(
    opened: OpenModel, folder: Path, tmp_path: Path
) -> None:
    photos(tmp_path / "other", 2)
    other = str(tmp_path / "other")
    said: list[str] = []
    fleet = ToyFleet(lambda place: Reader([], images=other if place == "one" else None))
    made(opened, folder, Many(fleet, Here(), tell=said.append))
    assert [line.partition(" on ")[0] for line in said] == ["one"]
    assert said[0].endswith(f"{other} does not hold the images there that it holds here")
    ((path, _),) = all_surveys()
    delete_survey(path)
    with pytest.raises(UsageError, match="does not hold the images there"):
        made(opened, folder, Many(ToyFleet(lambda _: Reader([], images=other)), Here()))
    assert list(all_surveys()) == []


def test_a_shard_that_kills_its_workers_fails_the_survey_and_the_others_are_kept(
    opened: OpenModel, folder: Path
) -> None:
    def before(event: Event) -> None:
        if getattr(event, "target", None) == FIRST:
            raise Killed("its process was killed")

    words = "tried 3 times, and each time its worker failed: its process was killed. The same command goes on"
    with pytest.raises(ClipDeskError, match=words):
        made(opened, folder, Many(ToyFleet(lambda _: Reader([], before)), Here()))
    read: list[Shard] = []
    made(opened, folder, Many(ToyFleet(lambda _: Reader(read)), Here()))
    assert read == [FIRST]
    check_as_here(opened, folder)


def test_without_a_worker_it_is_said_so(opened: OpenModel, folder: Path) -> None:
    with pytest.raises(NoWorkersError, match="no such program"):
        made(opened, folder, Many(NoProcess(lambda _: Reader([])), Here()))


def test_no_room_for_shards_is_said_before_anything_is_read(
    opened: OpenModel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Shard] = []
    monkeypatch.setattr("clipdesk.jobs.executors.divided.bytes_of", lambda *_: 10**15)
    with pytest.raises(ClipDeskError, match=r"A survey by 2 workers needs .* MB for a while on the disk"):
        made(opened, folder, Many(ToyFleet(lambda _: Reader(read)), Here()))
    assert read == []


@pytest.fixture
def job(checkpoint: Path, folder: Path) -> SurveyWork:
    return SurveyWork(model=find_name(checkpoint), images=str(folder), layers=(LAYER,), device="cpu")


def test_the_queue_makes_a_divided_survey(job: SurveyWork, opened: OpenModel, folder: Path, tmp_path: Path) -> None:
    read: list[Shard] = []
    executor = Many(ToyFleet(lambda _: Reader(read)), Here())
    with closing(QueueService(tmp_path / "queue.sqlite", executor)) as service:
        service.add(job, surveys_folder())
        events = [step.event for step in service.steps()]
    assert len(read) == 6
    assert [event.step for event in events if isinstance(event, Progress)][-1] == 100
    ((path, _),) = all_surveys()
    assert [event.file for event in events if isinstance(event, Done)] == [path.name]
    assert events[-1] == Ended(Status.DONE)
    check_as_here(opened, folder)


def test_while_a_job_is_paused_its_workers_read_no_more(job: SurveyWork) -> None:
    read: list[Shard] = []
    fleet = ToyFleet(lambda _: Reader(read))
    events = Many(fleet, Here()).run(job, Hooks())
    next(events)
    begun = len(read)
    for _ in range(100):
        # They could go on, but for the head, who does not pull.
        fleet.receive(0)
    assert len(read) <= begun + 1
    events.close()
