"""Maps that are kept in the survey's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clipdesk.activations.map_files import keep_map, map_path, read_map
from tests.activations.surveys import toy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return map_path(tmp_path, toy()[0].statistics["visual.layer", "mean"], 0)


def test_a_kept_map_comes_back(path: Path) -> None:
    positions = np.array([[0, 1], [np.nan, np.nan], [0.25, 0.5]])
    keep_map(path, positions)
    found = read_map(path, 3)
    assert found is not None
    np.testing.assert_array_equal(found, positions)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_each_layer_pooling_and_seed_has_a_file_of_its_own(tmp_path: Path) -> None:
    survey, _, _ = toy()
    statistics = list(survey.statistics.values())
    paths = {map_path(tmp_path, each, seed) for each in statistics for seed in (0, 1)}
    assert len(paths) == 2 * len(statistics)


def test_a_map_of_another_number_of_units_is_none(path: Path) -> None:
    keep_map(path, np.zeros((3, 2)))
    assert read_map(path, 4) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\x00\x00\x00\x00\x00\x00\x00nonsense"])
def test_a_damaged_map_is_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert read_map(path, 3) is None


def test_where_the_survey_cannot_be_written_the_map_is_not_kept(path: Path) -> None:
    keep_map(path.parent / "gone" / path.name, np.zeros((3, 2)))
    assert read_map(path, 3) is None
