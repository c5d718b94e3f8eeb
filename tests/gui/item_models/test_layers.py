import pytest
import torch
from clip.model import CLIP
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester

from clipdesk.gui.item_models.layers import SEARCH_ROLE, LayerTreeModel
from clipdesk.gui.item_models.structure import structure
from clipdesk.network.inspector import LayerInspector

ATTENTION = "visual.transformer.resblocks.1.attn"


@pytest.fixture
def layers(inspector: LayerInspector) -> LayerTreeModel:
    model = LayerTreeModel()
    model.set_tree(inspector.tree)
    return model


def labels(model: CLIP) -> list[str]:
    return [part.label for part in structure(LayerInspector(model).tree)]


def test_the_layer_tree_is_a_sound_model(layers: LayerTreeModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(layers)


def test_a_transformer_is_shown_in_the_order_in_which_a_picture_passes_through(vit: CLIP) -> None:
    assert labels(vit) == [
        "Patch embedding",
        "Norm before blocks",
        "Transformer",
        "Norm of class token",
        "Output embedding",
    ]
    blocks = structure(LayerInspector(vit).tree)[2].parts
    assert [block.label for block in blocks] == ["Block 0", "Block 1"]
    assert [part.label for part in blocks[0].parts] == ["Norm 1", "Attention", "Norm 2", "MLP"]
    assert [part.label for part in blocks[0].parts[1].parts] == [
        "Heads",
        "Channels of heads",
        "Queries",
        "Keys",
        "Values",
        "Output projection",
    ]
    assert [part.label for part in blocks[0].parts[3].parts] == ["MLP before GELU", "MLP hidden", "MLP out"]


def test_a_resnet_is_shown_by_stages(resnet: CLIP) -> None:
    assert labels(resnet) == [
        "Stem",
        "Stage 1",
        "Stage 2",
        "Stage 3",
        "Stage 4",
        "Attention pooling",
        "Output embedding",
    ]
    stage = structure(LayerInspector(resnet).tree)[2]
    assert [part.label for part in stage.parts] == ["Block 0"]
    assert "Shortcut" in [part.label for part in stage.parts[0].parts]


def test_a_layer_shows_its_name_kind_units_and_output(layers: LayerTreeModel) -> None:
    index = layers.index_of(ATTENTION)
    cells = [layers.data(index.siblingAtColumn(column)) for column in range(layers.columnCount())]
    assert cells == ["Attention", "MultiheadAttention", 64, "17 x 64"]
    assert layers.data(index, Qt.ItemDataRole.ToolTipRole) == ATTENTION


def test_a_layer_that_cannot_be_visualised_is_disabled_and_says_why(layers: LayerTreeModel) -> None:
    index = layers.index_of(f"{ATTENTION}.out_proj")
    assert not layers.flags(index) & Qt.ItemFlag.ItemIsEnabled
    assert "never called" in str(layers.data(index, Qt.ItemDataRole.ToolTipRole))


def test_every_layer_is_found_but_the_container_of_the_blocks(
    layers: LayerTreeModel, inspector: LayerInspector
) -> None:
    for node in inspector.tree.walk():
        if node.info.name != "visual.transformer.resblocks":
            assert layers.info(layers.index_of(node.info.name)) == node.info
    assert not layers.index_of("nothing").isValid()


def test_a_layer_is_found_by_words_and_by_dotted_names(layers: LayerTreeModel) -> None:
    words = layers.data(layers.index_of("visual.transformer.resblocks.1.mlp.gelu"), SEARCH_ROLE)
    assert all(word in str(words) for word in ("block 1", "mlp hidden", "1.mlp"))


def test_an_empty_tree_has_no_rows() -> None:
    assert LayerTreeModel().rowCount() == 0


@pytest.mark.parametrize(
    ("size", "layers", "width", "patch"),
    [(224, 24, 1024, 14), (448, (3, 15, 36, 10), 128, None)],
    ids=["ViT-L/14", "RN50x64"],
)
def test_the_largest_models_fit(size: int, layers: int, width: int, patch: int | None) -> None:
    with torch.device("meta"):
        tower = CLIP(64, size, layers, width, patch, 77, 100, 64, 1, 1)
    inspector = LayerInspector(tower)
    model = LayerTreeModel()
    model.set_tree(inspector.tree)
    names = inspector.get_layer_names()
    assert len(names) > 150
    assert model.index_of(names[-1]).isValid()
