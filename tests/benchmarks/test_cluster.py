"""Workers and heads that are killed lose nothing; more blows, and Ray's nodes, are in ``benchmarks/cluster.py``."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_everything_is_there_once_and_as_it_should_be_after_two_blows() -> None:
    # In a process of its own, whose children are the workers and nothing else.
    options = "chaos --blows 2 --units 12 --iterations 60 --longest 5"
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.cluster", *options.split()]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "missing=0, twice=0, broken=0, disagree=0, different=0): clean" in process.stdout
