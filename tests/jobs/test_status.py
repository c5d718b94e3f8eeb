"""What a job's wish and the states of its units make of its status."""

from __future__ import annotations

import pytest

from clipdesk.jobs.status import Status, Wish


@pytest.mark.parametrize(
    ("status", "finished"),
    [
        (Status.WAITING, False),
        (Status.RUNNING, False),
        (Status.PAUSED, False),
        (Status.DONE, True),
        (Status.FAILED, True),
        (Status.CANCELLED, True),
    ],
)
def test_a_finished_job_goes_on_only_if_somebody_asks(status: Status, finished: bool) -> None:
    assert status.finished is finished


def test_wishes_have_the_values_of_the_queues_file() -> None:
    assert {wish.name: wish.value for wish in Wish} == {"RUN": "open", "PAUSE": "paused", "CANCEL": "cancelled"}
