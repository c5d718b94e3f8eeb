"""What importing a part of ClipDesk takes along."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_by(*modules: str) -> set[str]:
    """Top-level names of what a fresh Python has loaded after importing some modules."""
    code = f"import {', '.join(modules)}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", ["events", "store", "job", "service", "saving", "kinds", "tasks", "executor"])
def test_importing_a_job_loads_neither_torch_nor_qt(module: str) -> None:
    assert not {"torch", "clip", "PySide6", "torchvision"} & loaded_by(f"clipdesk.jobs.{module}")
