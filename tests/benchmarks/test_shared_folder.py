"""Queues that share a folder; the twenty rounds are in ``benchmarks/shared_folder.py``."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_queues_that_share_a_folder_make_each_picture_once() -> None:
    # In a process of its own: it forks, which a process with torch's threads cannot.
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.shared_folder", "--rounds", "2", "--units", "12"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count("lost=0, twice=0, unlisted=0, unfinished=0") == 2
    assert "queues=2" in process.stdout, "one round has a queue for each of two people"
