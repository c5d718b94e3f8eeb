"""What the tests of jobs share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clipdesk.jobs.job import Job
from clipdesk.jobs.kinds import KINDS
from clipdesk.jobs.store import JobStore
from clipdesk.jobs.tasks import TASKS
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER
from tests.toy_work import Counting, CountingTask


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that counts pages is a kind of the queue's."""
    monkeypatch.setitem(KINDS, "counting", Counting)
    monkeypatch.setitem(TASKS, "counting", CountingTask)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "queue.sqlite")
    yield store
    store.close()


@pytest.fixture
def add(store: JobStore, checkpoint: Path, tmp_path: Path) -> Callable[..., int]:
    def add(
        *indices: int, layer: str = VIT_LAYER, model: Path = checkpoint, iterations: int = 2, skip: bool = True
    ) -> int:
        targets = tuple(Unit(layer=layer, index=i) for i in indices)
        settings = make_settings(iterations=iterations, device="cpu")
        return store.add(Job(model=str(model), targets=targets, settings=settings), tmp_path / "out", skip=skip)

    return add
