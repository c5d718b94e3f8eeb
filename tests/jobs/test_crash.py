"""A batch that is killed again and again; the hundred kills are in ``benchmarks/crash.py``."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_everything_is_there_once_after_three_kills() -> None:
    # In a process of its own: it forks, which a process with torch's threads cannot.
    options = "--kills 3 --iterations 100 --longest 1.0"
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.crash", *options.split()]
    process = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert int(process.stdout.partition("shared=")[2].partition(",")[0]) >= 1, "two processes worked at once"
    assert "missing=0, twice=0, broken=0, disagree=0" in process.stdout
