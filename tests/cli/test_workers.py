"""``clipdesk worker --spool``, and ``--on spool:FOLDER``, as people type them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from clipdesk.jobs.executors.letters import Pace, head_box, write_beat
from clipdesk.jobs.executors.relay import Relay
from clipdesk.jobs.here import Here
from tests.cli.conftest import Command
from tests.cli.test_queue import BATCH
from tests.jobs.executors.toy_fleet import ToyFleet


def test_a_worker_without_a_head_ends_in_one_line(clipdesk: Command, tmp_path: Path) -> None:
    result = clipdesk("worker", "--spool", str(tmp_path / "spool"), "--idle", "0.001", "--on", "local:1")
    assert result.code == 0
    assert result.err.splitlines() == [
        f"Waiting for a head in {tmp_path / 'spool'}.",
        "No head came within 0.06 seconds.",
    ]


@pytest.mark.parametrize("place", ["here", "spool:there", "mars"])
def test_a_worker_says_which_places_have_workers(clipdesk: Command, tmp_path: Path, place: str) -> None:
    result = clipdesk("worker", "--spool", str(tmp_path), "--on", place)
    assert result.code == 2
    assert result.err == f"Error: --on {place}: name one of local:4 for 4 on this computer, ray, or ray:HOST:PORT, " + (
        "with at least one worker\n"
    )


def test_a_batch_is_rendered_by_workers_that_see_the_folder(clipdesk: Command, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    relay = Relay(spool, lambda: ToyFleet(lambda _: Here(), ["one"]), pace=Pace(poll=0.01), idle=60.0)
    thread = threading.Thread(target=relay.run)
    thread.start()
    result = clipdesk(*BATCH, "0", "4", "1", "--on", f"spool:{spool}")
    write_beat(head_box(spool), {"form": 1, "over": True, "end": True})
    thread.join(60)
    assert not thread.is_alive()
    assert result.code == 0
    assert f"Note: Workers: clipdesk worker --spool '{spool}'" in result.err.splitlines()
    assert result.err.splitlines()[-1].startswith("4 rendered, 0 skipped, 0 failed")


def test_what_is_asked_of_slurm_is_checked_before_anything_is_submitted(clipdesk: Command) -> None:
    result = clipdesk("queue", "run", "--on", "slurm:jobs=none")
    assert result.code == 2
    assert result.err == "Error: jobs=none must be a whole number from 1 to 10000\n"


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
@pytest.mark.parametrize("command", [("queue", "run", "--on", "spool:SPOOL"), ("worker", "--spool", "SPOOL")])
def test_a_folder_that_others_may_write_to_is_refused(
    clipdesk: Command, tmp_path: Path, command: tuple[str, ...]
) -> None:
    tmp_path.chmod(0o777)
    result = clipdesk(*(each.replace("SPOOL", str(tmp_path)) for each in command))
    assert result.code == 2
    assert result.err.startswith(f"Error: Others may write to {tmp_path}, and so could command your workers.")
