import pytest
from clip.model import CLIP
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester

from clipdesk.gui.item_models.layers import LayerTreeModel
from clipdesk.gui.item_models.neurons import NeuronTableModel, UnitState
from clipdesk.inspector import LayerInspector

ATTENTION = "visual.transformer.resblocks.1.attn"


@pytest.fixture
def layers(inspector: LayerInspector) -> LayerTreeModel:
    model = LayerTreeModel()
    model.set_tree(inspector.tree)
    return model


def test_the_layer_tree_is_a_sound_model(layers: LayerTreeModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(layers)


def test_the_neuron_table_is_a_sound_model(inspector: LayerInspector, qtmodeltester: ModelTester) -> None:
    model = NeuronTableModel()
    model.set_layer(inspector.get_layer_info(ATTENTION))
    qtmodeltester.check(model)


def test_a_layer_shows_its_name_kind_units_and_output(layers: LayerTreeModel) -> None:
    index = layers.index_of(f"{ATTENTION}")
    cells = [layers.data(index.siblingAtColumn(column)) for column in range(layers.columnCount())]
    assert cells == ["attn", "MultiheadAttention", 64, "17 x 64"]


def test_what_cannot_be_visualised_is_disabled_and_says_why(layers: LayerTreeModel) -> None:
    index = layers.index_of(f"{ATTENTION}.out_proj")
    assert not layers.flags(index) & Qt.ItemFlag.ItemIsEnabled
    assert "never called" in str(layers.data(index, Qt.ItemDataRole.ToolTipRole))


def test_every_layer_is_found(layers: LayerTreeModel, inspector: LayerInspector) -> None:
    for node in inspector.tree.walk():
        assert layers.info(layers.index_of(node.info.name)) == node.info
    assert not layers.index_of("nothing").isValid()


def test_an_empty_tree_has_no_rows() -> None:
    assert LayerTreeModel().rowCount() == 0


def test_states_are_kept_for_every_layer(inspector: LayerInspector, resnet: CLIP) -> None:
    model = NeuronTableModel()
    model.set_layer(inspector.get_layer_info(ATTENTION))
    model.set_state(ATTENTION, 3, UnitState("done", 1.23456))
    model.set_layer(inspector.get_layer_info("visual.conv1"))
    assert model.data(model.index(3, 3)) == ""
    model.set_layer(inspector.get_layer_info(ATTENTION))
    assert [model.data(model.index(3, column)) for column in range(4)] == [3, "neuron 3", "1.235", "done"]
