"""Photographs in folders."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clipdesk.demo.photographs import Batches, read_photographs, said
from tests.demo.folders import COLORS, colored_photographs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of two categories, which differ in colour."""
    return colored_photographs(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grand_piano", "a grand piano"),
        ("Anchor", "an anchor"),
        ("airplanes", "airplanes"),
        ("octopus", "an octopus"),
        ("cactus", "a cactus"),
        ("windsor_chair", "a windsor chair"),
    ],
)
def test_a_category_is_said_with_the_article_it_needs(name: str, words: str) -> None:
    assert said(name) == words


def test_the_same_photographs_are_kept_apart_when_others_come_and_go(folder: Path) -> None:
    before, apart = read_photographs(folder)
    assert len(before.images) + len(apart.images) == 60
    assert 1 <= len(apart.images) <= 15
    assert before.images.shape[1:] == (160, 160, 3)
    assert before.categories == ("an ember", "a sky")
    # Half of them go: of the others, the same ones are kept apart.
    for name in COLORS:
        for i in range(15):
            (folder / name / f"{i:02}.jpg").unlink()
    kept = {image.tobytes() for image in apart.images}
    train_on, still = read_photographs(folder)
    assert {image.tobytes() for image in still.images} <= kept
    assert not {image.tobytes() for image in train_on.images} & kept


def test_the_pictures_of_a_batch_are_mixed_with_their_categories(folder: Path) -> None:
    batches = Batches(read_photographs(folder)[0], 96, torch.device("cpu"))
    pixels, truth = batches.draw(16, 0.4, np.random.default_rng(0))
    assert pixels.shape == (16, 3, 96, 96)
    assert torch.allclose(truth.sum(dim=1), torch.ones(16))
    # Redder than blue by as much as the share of embers says, within the noise of the colours.
    redness = (pixels[:, 0] - pixels[:, 2]).mean(dim=(1, 2))
    assert float(torch.corrcoef(torch.stack([redness, truth[:, 0]]))[0, 1]) > 0.8
