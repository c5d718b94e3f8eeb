"""Shards as work: they are divided like units, and the queue does not take them."""

from __future__ import annotations

import pytest

from clipdesk.jobs.kinds import FOR_WORKERS, read_work
from clipdesk.jobs.shard_work import ShardWork
from clipdesk.models.names import parse_name

WORK = ShardWork(
    model=parse_name("demo"),
    weights="e" * 64,
    images="/photos",
    fingerprint="f",
    layers=("visual",),
    device="cpu",
    precision="float32",
    shards=(((0, 1600),), ((1600, 1700), (1800, 1900))),
)


def test_shards_are_units() -> None:
    assert read_work(WORK.written(), FOR_WORKERS) == WORK
    assert WORK.divisible
    assert WORK.part([1]).units == WORK.units[1:]
    assert WORK.of(WORK.units[:1]) == WORK.part([0])
    assert [WORK.label(0), WORK.label(1)] == ["pictures 0 to 1,599", "pictures 1,600 to 1,899"]
    assert WORK.noun == "shards"


def test_the_queue_does_not_know_them() -> None:
    with pytest.raises(ValueError, match="no kind of work 'shards'"):
        read_work(WORK.written())
