"""The rows that are learnt from: those of the layer, of each picture once, whatever happened on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.activations.autoencoders.rows import Batches, Gathered, gather, rows_in, tokens_of
from clipdesk.activations.autoencoders.settings import TokenChoice, TrainingSettings
from clipdesk.errors import UsageError
from clipdesk.network.capture import LayerCapture
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from tests.activations.sets import Drawn, random_set

LAYER = "visual.transformer.resblocks.1"


@pytest.fixture
def opened(vit: CLIP) -> OpenModel:
    return OpenModel.of(vit)


def gathered(opened: OpenModel, images: Drawn, folder: Path, **settings: object) -> Gathered:
    *_, end = gather(opened, images, TrainingSettings.model_validate({"layer": LAYER, **settings}), folder)
    return end


def direct(opened: OpenModel, images: Drawn) -> np.ndarray:
    """The layer for each picture of a set, in the set's order, (pictures, tokens, units)."""
    pixels = torch.from_numpy(images.pixels[images.order]).permute(0, 3, 1, 2).float() / 255
    info = opened.inspector.visualizable(LAYER)
    with torch.no_grad():
        output = LayerCapture(opened.network, [info]).run(normalized(pixels, opened.normalization))[LAYER]
    return output.numpy()


@pytest.mark.parametrize("tokens", ["patches", "class", "all"])
def test_the_rows_are_the_layers_at_the_tokens(opened: OpenModel, tmp_path: Path, tokens: TokenChoice) -> None:
    images = random_set(24, opened.side)
    end = gathered(opened, images, tmp_path, tokens=tokens, positions=1000)
    wanted = direct(opened, images)
    wanted = {"patches": wanted[:, 1:], "class": wanted[:, :1], "all": wanted}[tokens]
    kept_apart = np.arange(24) % 10 == 9
    for part, chosen in (("training", ~kept_apart), ("held_out", kept_apart)):
        rows = rows_in(tmp_path, part, wanted.shape[2])
        assert np.abs(rows - wanted[chosen].reshape(-1, wanted.shape[2])).max() < 1e-4
    assert (end.done, end.left_out) == (24, 0)
    assert (end.training, end.held_out) == (22 * wanted.shape[1], 2 * wanted.shape[1])


def test_of_many_tokens_some_are_drawn_by_the_seed(opened: OpenModel, tmp_path: Path) -> None:
    images = random_set(24, opened.side)
    found = []
    for number, seed in enumerate((0, 0, 1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        gathered(opened, images, folder, positions=1, seed=seed)
        found.append(np.array(rows_in(folder, "training", opened.inspector.visualizable(LAYER).units)))
    assert len(found[0]) == 22
    assert np.abs(found[0] - found[1]).max() < 1e-5
    assert np.abs(found[0] - found[2]).max() > 1e-3
    patches = direct(opened, images)[:, 1:]
    nearest = [np.abs(patches[np.arange(24) % 10 != 9][i] - found[0][i]).max(axis=1).min() for i in range(22)]
    assert max(nearest) < 1e-4


def test_what_a_killed_process_wrote_after_its_note_does_not_count(opened: OpenModel, tmp_path: Path) -> None:
    images = random_set(40, opened.side)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    end = gathered(opened, images, whole)
    reading = gather(opened, images, TrainingSettings(layer=LAYER), cut)
    steps = [next(reading) for _ in range(2)]
    assert [each.done for each in steps] == [0, 16]
    reading.close()
    for path in cut.glob("*.f32"):
        with path.open("ab") as file:
            file.write(b"half a row")
    *between, last = gather(opened, images, TrainingSettings(layer=LAYER), cut)
    assert between[0].done == 16
    assert last == end
    for part in ("training", "held_out"):
        width = opened.inspector.visualizable(LAYER).units
        assert np.abs(rows_in(cut, part, width) - rows_in(whole, part, width)).max() < 1e-5


def test_rows_that_are_gone_are_read_anew(opened: OpenModel, tmp_path: Path) -> None:
    images = random_set(24, opened.side)
    end = gathered(opened, images, tmp_path)
    (tmp_path / "training.f32").write_bytes(b"")
    first, *_, last = gather(opened, images, TrainingSettings(layer=LAYER), tmp_path)
    assert (first.done, last) == (0, end)


def test_broken_pictures_are_counted_and_nothing_else(opened: OpenModel, tmp_path: Path) -> None:
    end = gathered(opened, random_set(24, opened.side, broken=range(5)), tmp_path, tokens="class")
    assert (end.done, end.left_out, end.training + end.held_out) == (24, 5, 19)
    none = tmp_path / "none"
    none.mkdir()
    with pytest.raises(UsageError, match="Not one picture"):
        gathered(opened, random_set(4, opened.side, broken=range(4)), none)


def test_a_layer_without_a_class_token_is_told_so(resnet: CLIP) -> None:
    info = OpenModel.of(resnet).inspector.visualizable("visual.layer4")
    assert tokens_of(info, None) == "patches"
    with pytest.raises(UsageError, match="no class token"):
        tokens_of(info, "class")


def test_batches_go_through_all_rows_once_in_an_order_that_the_step_says() -> None:
    rows = np.arange(103, dtype=np.float32)[:, None]
    batches = Batches(rows, 10, seed=5)
    epoch = [batches.at(step).flatten().tolist() for step in range(10)]
    assert len({value for batch in epoch for value in batch}) == 100
    other = Batches(rows, 10, seed=5)
    assert other.at(7).flatten().tolist() == epoch[7]
    assert batches.at(10).flatten().tolist() != epoch[0]
    assert Batches(rows, 10, seed=6).at(0).flatten().tolist() != epoch[0]
