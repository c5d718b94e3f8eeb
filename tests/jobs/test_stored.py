"""Jobs as the queue knows them: their status follows from a wish and from the states of their units."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.stored import Claim, JobRow, StoredJob
from clipdesk.models.names import Named
from clipdesk.render.targets import Unit

TARGETS = tuple(Unit(layer="visual.conv1", index=index) for index in range(4))


def stored(wish: Wish, counts: dict[str, int]) -> StoredJob:
    job = Job(model=Named("demo"), targets=TARGETS)
    return StoredJob(1, job, Path("out"), skip=True, wish=wish, created="2026-11-28T00:00:00+00:00", counts=counts)


@pytest.mark.parametrize(
    ("wish", "counts", "status"),
    [
        (Wish.RUN, {"waiting": 4}, Status.WAITING),
        (Wish.RUN, {"waiting": 2, "done": 2}, Status.WAITING),
        (Wish.RUN, {"waiting": 1, "failed": 3}, Status.WAITING),
        (Wish.RUN, {"waiting": 2, "running": 1, "done": 1}, Status.RUNNING),
        (Wish.RUN, {"running": 4}, Status.RUNNING),
        (Wish.RUN, {"done": 4}, Status.DONE),
        (Wish.RUN, {"done": 3, "failed": 1}, Status.FAILED),
        (Wish.RUN, {"failed": 4}, Status.FAILED),
        (Wish.PAUSE, {"waiting": 4}, Status.PAUSED),
        (Wish.PAUSE, {"running": 2, "done": 2}, Status.PAUSED),
        (Wish.PAUSE, {"done": 4}, Status.DONE),
        (Wish.PAUSE, {"done": 3, "failed": 1}, Status.FAILED),
        (Wish.CANCEL, {"waiting": 4}, Status.CANCELLED),
        (Wish.CANCEL, {"running": 4}, Status.CANCELLED),
        (Wish.CANCEL, {"done": 4}, Status.DONE),
        (Wish.CANCEL, {"failed": 1, "done": 3}, Status.FAILED),
    ],
)
def test_the_status_follows_from_wish_and_units(wish: Wish, counts: dict[str, int], status: Status) -> None:
    assert JobRow(wish, counts).status is status
    assert stored(wish, counts).status is status
    assert stored(wish, counts).finished is status.finished


def test_a_claim_is_a_job_of_its_units_alone() -> None:
    claim = Claim(stored(Wish.RUN, {"running": 2, "waiting": 2}), (3, 1))
    assert claim.job.units == (TARGETS[3], TARGETS[1])
    assert claim.job == claim.stored.job.model_copy(update={"targets": (TARGETS[3], TARGETS[1])})
