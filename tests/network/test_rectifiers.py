"""Layers behind a rectifier, and the layers before it."""

from clip.model import CLIP

from clipdesk.network.inspector import LayerInspector
from clipdesk.network.rectifiers import layer_before, rectifier_of


def test_the_hidden_layer_of_a_transformer_gets_its_values_from_the_first_projection(inspector: LayerInspector) -> None:
    block = "visual.transformer.resblocks.1"
    assert rectifier_of(f"{block}.mlp.gelu", inspector.layers) == "QuickGELU"
    assert layer_before(f"{block}.mlp.gelu", inspector.layers) == f"{block}.mlp.c_fc"
    for name in (block, f"{block}.mlp", f"{block}.mlp.c_fc", f"{block}.attn.heads", "visual", "nowhere"):
        assert rectifier_of(name, inspector.layers) is None


def test_a_resnets_blocks_and_stages_end_in_a_relu(resnet: CLIP) -> None:
    layers = LayerInspector(resnet).layers
    assert {rectifier_of(name, layers) for name in ("visual.layer4", "visual.layer4.0", "visual.relu1")} == {"ReLU"}
    assert layer_before("visual.relu1", layers) == "visual.bn1"
    assert layer_before("visual.layer4.0.relu2", layers) == "visual.layer4.0.bn2"
    assert layer_before("visual.layer4.0", layers) is None


def test_the_last_rectifier_of_a_block_is_behind_a_sum(resnet: CLIP) -> None:
    assert layer_before("visual.layer4.0.relu3", LayerInspector(resnet).layers) is None
