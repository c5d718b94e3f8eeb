"""Numbers on the disk."""

from pathlib import Path

import numpy as np

from clipdesk.activations.kept import keep_numbers, kept_numbers

NUMBERS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_numbers_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "numbers.safetensors"
    assert kept_numbers(path, (3,)) is None
    keep_numbers(path, NUMBERS)
    found = kept_numbers(path, (3,))
    assert found is not None
    assert np.array_equal(found, NUMBERS)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_others_than_are_wanted_are_computed_again(tmp_path: Path) -> None:
    path = tmp_path / "numbers.safetensors"
    keep_numbers(path, NUMBERS)
    assert kept_numbers(path, (3, 5)) is None
    path.write_bytes(b"damaged")
    assert kept_numbers(path, (3, 4)) is None


def test_where_nothing_can_be_kept_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    keep_numbers(tmp_path / "file" / "numbers.safetensors", NUMBERS)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
