"""Layers as data: a table of them can be asked without the network."""

import pytest
import torch

from clipdesk.errors import UsageError
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, LayerNode, Layout, by_position, check_unit, visualizable

TOKENS = LayerInfo("visual.mlp", "Linear", (17, 64), Layout.TOKENS_FIRST, 64, source=ModuleOutput("visual.mlp"))
MAP = LayerInfo(
    "visual.conv", "Conv2d", (8, 4, 5), Layout.CHANNELS_FIRST, 8, "channel", source=ModuleOutput("visual.conv")
)
DEAD = LayerInfo("visual.dead", "Linear", reason="it is never called", source=ModuleOutput("visual.dead"))
TABLE = {info.name: info for info in (TOKENS, MAP, DEAD)}


def test_a_table_says_what_is_wrong_with_a_unit() -> None:
    assert check_unit(TABLE, "visual.mlp", 63) is TOKENS
    with pytest.raises(UsageError, match="has no channel 8: its 8 channels are 0 to 7"):
        check_unit(TABLE, "visual.conv", 8)
    with pytest.raises(UsageError, match=r"no layer 'visual.con'. Did you mean visual.conv\?"):
        check_unit(TABLE, "visual.con", 0)
    with pytest.raises(UsageError, match=r"'visual\.dead' cannot be visualised: it is never called"):
        visualizable(TABLE, "visual.dead")


def test_positions_are_tokens_or_pixels() -> None:
    assert (TOKENS.positions, MAP.positions, DEAD.positions) == (17, 20, 1)


def test_a_node_is_walked_before_its_children() -> None:
    node = LayerNode(TOKENS, (LayerNode(MAP, (LayerNode(DEAD),)), LayerNode(DEAD)))
    assert [each.info.label for each in node.walk()] == ["mlp", "conv", "dead", "dead"]


@pytest.mark.parametrize(
    ("layout", "shape", "wanted"),
    [
        (Layout.VECTOR, (2, 8), (2, 1, 8)),
        (Layout.TOKENS_FIRST, (17, 2, 8), (2, 17, 8)),
        (Layout.BATCH_FIRST, (2, 17, 8), (2, 17, 8)),
        (Layout.CHANNELS_FIRST, (2, 8, 4, 5), (2, 20, 8)),
        (Layout.CHANNELS_LAST, (2, 4, 5, 8), (2, 20, 8)),
    ],
)
def test_every_layout_becomes_pictures_positions_units(
    layout: Layout, shape: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    info = LayerInfo("layer", "Linear", layout=layout, units=8, source=ModuleOutput("layer"))
    assert by_position(torch.zeros(shape), info).shape == wanted
