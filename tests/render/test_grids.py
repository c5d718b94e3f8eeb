import numpy as np
import pytest
import torch
from clip.model import CLIP
from numpy.typing import NDArray

from clipdesk.network.inspector import LayerInspector
from clipdesk.render.grids import Likeness, likeness, seeds_of_variants, tiled
from clipdesk.render.loop import Frame, render
from clipdesk.render.objectives import resolved
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import MAX_SEED, changed
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Target, Text, Unit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
UNITS: list[Target] = [Unit(layer=LAYER, index=3), Unit(layer="visual.conv1", index=5), Text(text="a star")]


def last(model: CLIP, targets: list[Target], **changes: object) -> Frame:
    settings = changed(make_settings(iterations=4, image_size=64, device="cpu"), changes)
    return list(render(model, targets, settings))[-1]


def test_variants_have_seeds_of_their_own() -> None:
    seeds = seeds_of_variants([0, 1, MAX_SEED], 9)
    assert len(set(seeds)) == 27
    assert seeds[::9] == [0, 1, MAX_SEED]
    # torch's generators take 32 bits.
    assert max(seeds) < 2**32
    assert len({tuple(torch.rand(4, generator=torch.Generator().manual_seed(seed)).tolist()) for seed in seeds}) == 27


def test_the_seeds_of_further_variants_cannot_be_asked_for() -> None:
    seeds = seeds_of_variants([0, 1, MAX_SEED // 2, MAX_SEED], 9)
    for picture in range(4):
        assert min(seeds[9 * picture + 1 : 9 * picture + 9]) > MAX_SEED


def test_variants_stand_in_rows_with_lines_between() -> None:
    numbered = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((8, 4, 4, 3), np.uint8)
    pictures = tiled(numbered, 2)
    assert pictures.shape == (2, 10, 10, 3)
    assert pictures[1, 0, 0, 0] == 4
    assert pictures[1, 0, 9, 0] == 5
    assert pictures[1, 9, 0, 0] == 6
    assert (pictures[:, 4:6] == 255).all()
    assert tiled(numbered, 1) is numbered


def cell(picture: NDArray[np.uint8], row: int, column: int) -> NDArray[np.int64]:
    top, left = row * 66, column * 66
    return picture[top : top + 64, left : left + 64].astype(np.int64)


def test_the_first_variant_is_the_picture_without_the_others(vit: CLIP) -> None:
    alone = last(vit, UNITS)
    grid = last(vit, UNITS, grid=2)
    assert grid.images().shape == (3, 130, 130, 3)
    assert grid.activations.shape == grid.clean_activations().shape == (3,)
    for i in range(3):
        assert np.abs(cell(grid.images()[i], 0, 0) - alone.images()[i]).max() <= 1
        assert np.abs(cell(grid.images()[i], 0, 1) - alone.images()[i]).max() > 50


def test_a_grid_does_not_depend_on_its_neighbours(vit: CLIP) -> None:
    among = last(vit, UNITS, grid=2, diversity=1.0, views=2)
    for i, target in enumerate(UNITS):
        alone = last(vit, [target], grid=2, diversity=1.0, views=2)
        assert np.abs(among.images()[i].astype(int) - alone.images()[0]).max() <= 1
        assert among.penalties["likeness"][i] == pytest.approx(alone.penalties["likeness"][0], abs=1e-4)


def test_transparency_is_that_of_each_variant(vit: CLIP) -> None:
    alphas = last(vit, UNITS[:1], grid=2, transparency="gradients").alphas()
    assert alphas is not None
    assert alphas.shape == (1, 130, 130)


def test_diverse_variants_are_less_alike(demo: CLIP) -> None:
    target = Unit(layer="visual.transformer.resblocks.4.mlp.gelu", index=567)

    def found(diversity: float) -> float:
        frame = last(demo, [target], iterations=40, grid=2, diversity=diversity, image_size=None)
        return float(frame.penalties["likeness"][0] / frame.activations[0] / diversity)

    assert found(2.0) < 0.8 * found(1e-6)


@pytest.mark.parametrize("shape", [(4, 5, 9), (4, 9, 5)])
def test_likeness_is_the_cosine_of_gram_matrices(shape: tuple[int, int, int]) -> None:
    outputs = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    grams = [output.T @ output for output in outputs]
    expected = [
        np.mean([float((a * b).sum() / a.norm() / b.norm()) for j, b in enumerate(grams) if j != i])
        for i, a in enumerate(grams)
    ]
    assert likeness(outputs).tolist() == pytest.approx(expected, abs=1e-5)


def test_equal_variants_have_a_likeness_of_one_and_dark_ones_a_finite_gradient() -> None:
    same = torch.ones(2, 3, 8)
    assert likeness(same).tolist() == pytest.approx([1.0, 1.0])
    dark = torch.zeros(2, 3, 8, requires_grad=True)
    likeness(dark).sum().backward()
    assert dark.grad is not None
    assert torch.isfinite(dark.grad).all()


@pytest.mark.parametrize(("kind", "layer"), [("vit", "visual.transformer.resblocks.0"), ("resnet", "visual.layer4.0")])
def test_a_layer_of_one_position_gives_way_to_one_of_several(
    kind: str, layer: str, request: pytest.FixtureRequest
) -> None:
    model: CLIP = request.getfixturevalue(kind)
    inspector = LayerInspector(model)
    targets: list[Target] = [Text(text="a star"), Unit(layer="visual.conv1", index=0)]
    own = [target.terms[0].info for target in resolved(targets, inspector, Sources())]
    compared = Likeness(own, inspector)
    assert [info.name for info in compared.layers] == [layer, "visual.conv1"]
