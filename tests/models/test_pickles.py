"""What a pickle may hold beside weights: nothing of it runs."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.clips import is_same, openais, opened, refusal


class Settings:
    """A training script's own."""

    def __init__(self) -> None:
        self.lr = 1e-4


class AttributeDict(dict[str, object]):
    """As Lightning's."""


class Harmful:
    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "beside",
    [
        np.float64(0.7),
        np.float32(3),
        np.arange(3),
        np.str_("best"),
        argparse.Namespace(lr=1e-4, out=Path("runs")),
        AttributeDict(lr=1e-4),
        Settings(),
        [Path("runs"), {"settings": Settings()}],
        {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": np.float64(1e-4), "params": [0]}]},
        torch.tensor([1, 2]),
        frozenset({"a"}),
        [bytearray(b"x"), b"x", ..., 1j, slice(1)],
        None,
    ],
)
def test_objects_beside_the_weights_are_left_alone(file: Path, beside: object, zipped: bool) -> None:
    true = openais()
    content = {"state_dict": true.state_dict(), "epoch": 3, "beside": beside}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    assert is_same(opened(f"{file}?quickgelu"), true)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["beside", "state_dict", "inside"])
def test_a_function_is_refused_wherever_it_stands_and_does_not_run(file: Path, place: str, zipped: bool) -> None:
    made = file.with_name("made")
    for harmful in (
        Harmful(Path.touch, made),
        Harmful(print, "ran"),
        Harmful(eval, "1"),
        Harmful(exec, "1"),
        Harmful(np.save, str(made), np.zeros(1)),
        Harmful(torch.save, 1, str(made)),
        Harmful(getattr, made, "touch"),
        Harmful(zipfile.ZipFile, str(made), "w"),
    ):
        state: dict[str, object] = dict(openais().state_dict())
        content = {"state_dict": state, "beside": 1, **({place: harmful} if place != "inside" else {})}
        if place == "inside":
            state["visual.proj"] = harmful
        torch.save(content, file, _use_new_zipfile_serialization=zipped)
        assert "it holds more than weights" in refusal(file)
        assert not list(file.parent.glob("made*"))


def test_a_whole_object_is_named(file: Path) -> None:
    torch.save(openais(), file)
    assert "it holds more than weights" in (text := refusal(file)) or "Save model.state_dict() instead" in text
    torch.save(Settings(), file)
    assert "it holds a whole object" in refusal(file)
