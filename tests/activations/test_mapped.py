"""Mapped files hold what safetensors has written, and cut ones are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from clipdesk.activations.mapped import map_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    arrays: dict[str, NDArray[Any]] = {
        "a": np.arange(12, dtype=np.float32).reshape(3, 4),
        "b": np.array([-1, 5], dtype=np.int16),
        "none": np.empty((0, 7), dtype=np.float16),
        "c": np.array([[2**32 - 1]], dtype=np.uint32),
    }
    save_file(arrays, tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors"


def test_arrays_are_those_that_were_written(path: Path) -> None:
    found = map_file(path)
    assert set(found) == {"a", "b", "none", "c"}
    assert found["a"].tolist() == np.arange(12.0).reshape(3, 4).tolist()
    assert found["b"].dtype == np.int16
    assert found["b"].tolist() == [-1, 5]
    assert found["none"].shape == (0, 7)
    assert found["c"].tolist() == [[2**32 - 1]]
    with pytest.raises(ValueError, match="read-only"):
        found["a"][0, 0] = 1


def test_a_file_that_was_cut_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"whole|damaged|empty"):
            map_file(path)
