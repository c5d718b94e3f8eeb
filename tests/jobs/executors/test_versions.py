"""Versions: a worker with another ClipDesk or torch is refused in a sentence that says what is different."""

from __future__ import annotations

import torch

from clipdesk.jobs.executors.versions import greeting, mismatch, torch_version
from clipdesk.version import __version__


def test_the_same_versions_go_together() -> None:
    assert mismatch(greeting()) == ""


def test_the_version_of_torch_is_known_without_loading_it() -> None:
    assert torch_version() == str(torch.__version__).partition("+")[0]


def test_other_versions_are_named() -> None:
    known = greeting()
    other = mismatch({**known, "clipdesk": "0.0.9"})
    assert other == f"it has ClipDesk 0.0.9, and here is {__version__}. Install the same on both"
    assert mismatch({**known, "torch": "2.5.0"}).startswith("it has torch 2.5.0, and here is ")
    assert mismatch({**known, "protocol": 0}) == "it has another build of ClipDesk. Install the same on both"


def test_what_says_nothing_of_versions_is_refused() -> None:
    assert mismatch({})
