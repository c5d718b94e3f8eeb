"""Opening the queue while others have it in hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest

from clipdesk import database
from clipdesk.database import StoreError
from clipdesk.jobs import service as service_module
from clipdesk.jobs.here import Here
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import JobStore


def test_a_queue_that_another_process_writes_to_can_be_opened(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(1)
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(store.path or "", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with closing(QueueService(store.path, Here(), fallback=True)) as service:
            assert [stored.number for stored in service.store.jobs()] == [number]
            assert service.notice == ""


def test_a_thread_that_cannot_open_the_queue_does_not_move_the_others_to_another_one(
    store: JobStore, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add(1)
    with closing(QueueService(store.path, Here(), fallback=True)) as service, ThreadPoolExecutor(1) as pool:
        assert service.store.get(number).number == number
        with monkeypatch.context() as patch:
            patch.setattr(service_module, "open_store", refuse)
            with pytest.raises(StoreError, match="no more files"):
                pool.submit(lambda: service.store).result()
        assert pool.submit(lambda: service.store.path).result() == store.path
        assert service.notice == ""


def refuse(path: Path) -> NoReturn:
    raise StoreError(f"The queue {path} cannot be opened: no more files")
