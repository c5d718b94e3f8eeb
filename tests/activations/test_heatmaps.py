"""Values of a unit at all positions, and pictures that are grey where it does not fire."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clip.model import CLIP
from PIL import Image

from clipdesk.activations.heatmaps import HeatMaps, has_places, heat_maps
from clipdesk.activations.pooling import pool
from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import square
from clipdesk.network.capture import LayerCapture
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from tests.activations.sets import random_set

VIT, RESNET = "visual.transformer.resblocks.1.mlp.gelu", "visual.layer2"


def pictures(count: int, side: int) -> list[Image.Image]:
    return [Image.fromarray(pixels) for pixels in random_set(count, side).pixels]


@pytest.mark.parametrize(("tower", "layer", "grid"), [("vit", VIT, (4, 4)), ("resnet", RESNET, (8, 8))])
def test_the_values_are_those_that_a_survey_pools(
    request: pytest.FixtureRequest, tower: str, layer: str, grid: tuple[int, int]
) -> None:
    network: CLIP = request.getfixturevalue(tower)
    opened = OpenModel.of(network)
    images = pictures(20, 50)
    maps = heat_maps(opened, layer, 3, images)
    assert maps.values.shape == (20, *grid)
    info = opened.inspector.visualizable(layer)
    pixels = torch.stack([square(image, opened.side) for image in images])
    with torch.no_grad():
        output = LayerCapture(network, [info]).run(normalized(pixels, opened.normalization))[layer]
    for pooling, reduced in (("mean", maps.values.mean(axis=(1, 2))), ("max", maps.values.max(axis=(1, 2)))):
        wanted = pool(output, info, "mean" if pooling == "mean" else "max").dense().values[:, 3].numpy()
        assert reduced == pytest.approx(wanted, abs=1e-5)
    assert maps.high == maps.values.max()
    assert maps.low == pytest.approx(np.median(maps.values))


def test_the_rows_of_a_map_are_the_rows_of_the_picture(resnet: CLIP) -> None:
    """The first convolution sees nothing of where the picture is even."""
    half = np.zeros((64, 64, 3), np.uint8)
    half[40:, :20] = random_set(1, 64).pixels[0][40:, :20]
    opened = OpenModel.of(resnet)
    blank, noisy = heat_maps(opened, "visual.conv1", 0, [Image.new("RGB", (64, 64)), Image.fromarray(half)]).values
    changed = np.argwhere(np.abs(noisy - blank) > 1e-4)
    assert changed[:, 0].min() >= 19
    assert changed[:, 1].max() <= 10


def test_a_picture_keeps_its_colours_only_where_the_unit_fires() -> None:
    values = np.zeros((1, 4, 4), np.float32)
    values[0, 2:, 2:] = 2
    lit = np.asarray(HeatMaps(values, 0, 2).over(0, Image.new("RGB", (64, 64), (255, 0, 0))))
    assert np.abs(lit[60, 60].astype(int) - (255, 0, 0)).max() < 8
    assert np.abs(lit[3, 3].astype(int) - 128).max() < 24


def test_a_unit_that_is_the_same_everywhere_fires_nowhere() -> None:
    lit = np.asarray(HeatMaps(np.ones((1, 2, 2), np.float32), 1, 1).over(0, Image.new("RGB", (8, 8), (255, 0, 0))))
    assert np.abs(lit.astype(int) - 128).max() < 24


def test_an_embedding_has_no_places(vit: CLIP) -> None:
    opened = OpenModel.of(vit)
    assert has_places(opened.inspector.visualizable(VIT))
    assert not has_places(opened.inspector.visualizable("visual"))
    with pytest.raises(UsageError, match="has one value for a whole picture"):
        heat_maps(opened, "visual", 0, pictures(1, 32))
    with pytest.raises(UsageError, match="has no neuron 999"):
        heat_maps(opened, VIT, 999, pictures(1, 32))
    assert heat_maps(opened, VIT, 0, []).values.shape == (0, 4, 4)
