"""What a head tells windows of its workers."""

from __future__ import annotations

import pytest

from clipdesk.cli import reporting
from clipdesk.cli.reporting import first_of
from clipdesk.jobs.executors.roster import Member


def test_workers_that_live_come_before_the_many_that_were_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "_MOST_WORKERS", 4)
    lost = [Member(f"job {number}", state="lost") for number in range(6)]
    found = first_of([*lost[:3], Member("GPU 0", state="ready"), *lost[3:], Member("GPU 1")])
    assert [each.place for each in found] == ["GPU 0", "GPU 1", "job 5", "job 4"]
