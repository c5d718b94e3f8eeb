"""Inquiry: the head has an answer at once, however long it takes who is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from clipdesk.errors import NoWorkersError
from clipdesk.jobs.executors.inquiry import Inquiry
from tests.jobs.executors.toy_fleet import Clock, finish_asking


class Hanging:
    """Answers when it is told to.

    Attributes:
        asked: How often it was asked.
        said: What it answers.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.said = "2 pending"
        self._may = threading.Semaphore(0)

    def __call__(self) -> str:
        self.asked += 1
        said = self.said
        assert self._may.acquire(timeout=60)
        return said

    def answer(self) -> None:
        """Answer one question."""
        self._may.release()
        finish_asking()


@pytest.fixture
def squeue() -> Iterator[Hanging]:
    asker = Hanging()
    yield asker
    for _ in range(9):
        asker._may.release()
    finish_asking()


def test_an_answer_is_kept_and_asked_for_again_when_it_is_old(squeue: Hanging) -> None:
    clock = Clock()
    inquiry = Inquiry(squeue, "SLURM", 15.0, clock)
    assert [inquiry.answer(), inquiry.answer()] == ["SLURM is asked"] * 2
    squeue.answer()
    assert [inquiry.answer(), inquiry.answer()] == ["2 pending"] * 2
    assert squeue.asked == 1
    clock.now, squeue.said = 15.0, "1 running"
    assert inquiry.answer() == "2 pending", "until there is another"
    squeue.answer()
    assert inquiry.answer() == "1 running"
    assert squeue.asked == 2


def test_one_that_hangs_is_asked_once_and_said_to_hang(squeue: Hanging) -> None:
    clock = Clock()
    inquiry = Inquiry(squeue, "SLURM", 15.0, clock)
    inquiry.answer()
    clock.now = 119.0
    assert inquiry.answer() == "SLURM has not answered for 1 minute"
    squeue.answer()
    assert inquiry.answer() == "2 pending"
    clock.now = 200.0
    assert inquiry.answer() == "2 pending"
    clock.now = 330.0
    assert inquiry.answer() == "SLURM has not answered for 2 minutes; 3 minutes ago it said: 2 pending"
    assert squeue.asked == 2


def test_an_exception_is_raised_where_the_answer_is_taken() -> None:
    def ask() -> str:
        raise NoWorkersError("all have ended")

    inquiry = Inquiry(ask, "SLURM", 15.0, Clock())
    assert inquiry.answer() == "SLURM is asked"
    finish_asking()
    for _ in range(2):
        with pytest.raises(NoWorkersError, match="all have ended"):
            inquiry.answer()
