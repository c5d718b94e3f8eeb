"""Events are plain data: they go to another process and come back the same."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from clipdesk.export.recipe import Activations
from clipdesk.jobs import events
from clipdesk.jobs.events import (
    Began,
    Done,
    Ended,
    Event,
    Failure,
    Halted,
    PartRead,
    Paused,
    Progress,
    Result,
    Saved,
    ShardPiece,
    Skipped,
)
from clipdesk.jobs.status import Status
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.recipes import make_recipe

UNIT = Unit(layer="visual.conv1", index=4)
SETTINGS = make_settings(iterations=3)
PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
CURVE = np.array([0.1, 0.5, 2.0], dtype=np.float32)
RESULT = Result(
    target=UNIT,
    settings=SETTINGS,
    image=PICTURE,
    curve=CURVE,
    activation=2.5,
    seconds=1.5,
    complete=True,
    recipe=make_recipe(UNIT, SETTINGS),
    alpha=PICTURE[..., 0],
)
EVENTS: list[Event] = [
    Began(),
    Progress((UNIT, Text(text="a star")), 2, 3, CURVE[:2], {"tv": CURVE[:2]}, np.stack([PICTURE, PICTURE])),
    Progress((UNIT,), 1, 3, CURVE[:1]),
    RESULT,
    dataclasses.replace(RESULT, alpha=None, complete=False),
    Failure(UNIT, "the disk is full"),
    Failure({"kind": "another"}, "there is none", known=False),
    Saved(RESULT, Path("a.png"), note="not noted"),
    Skipped(UNIT, Path("a.png")),
    PartRead(((0, 8),), 5, (("a.jpg", b"thumbnail"),)),
    ShardPiece(((0, 8),), 8, 0, b"sums"),
    Done(7, "counts.json"),
    Paused(),
    Halted("the disk is full"),
    Ended(Status.CANCELLED),
]


def same(one: object, other: object) -> bool:
    """Whether two values are equal, arrays with their types and shapes."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


def test_here_is_one_of_each() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(events.Event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_equal(event: Event) -> None:
    assert same(pickle.loads(pickle.dumps(event)), event)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_cannot_be_changed(event: Event) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.target = UNIT  # type: ignore[misc, union-attr]


def test_events_cross_a_process_that_has_no_torch() -> None:
    code = (
        "import pickle, sys; found = pickle.load(sys.stdin.buffer);"
        "assert 'torch' not in sys.modules; pickle.dump(found, sys.stdout.buffer)"
    )
    process = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(EVENTS), capture_output=True, check=True)
    found = pickle.loads(process.stdout)
    assert len(found) == len(EVENTS)
    assert all(same(*pair) for pair in zip(found, EVENTS, strict=True))


def test_a_picture_of_an_earlier_step_is_one_that_was_stopped_there() -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    early = RESULT.at(2, image)
    assert (early.complete, early.activation) == (False, 0.5)
    assert early.image is image
    assert early.curve.tolist() == CURVE[:2].tolist()
    assert (early.recipe.steps, early.recipe.complete) == (2, False)
    assert early.recipe.activation == Activations(start=0.1, end=0.5, best=0.5, picture=0.5)
    assert RESULT.at(3, image) is RESULT
