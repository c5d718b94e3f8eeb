"""What the tests of jobs share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipdesk.jobs.store import JobStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "queue.sqlite")
    yield store
    store.close()
