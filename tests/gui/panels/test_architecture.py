from collections.abc import Iterator

import pytest
from clip.model import CLIP
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.architecture import ArchitecturePanel
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layers import LayerInfo

LAYER = "visual.transformer.resblocks.1.mlp.gelu"


@pytest.fixture
def panel(qtbot: QtBot, inspector: LayerInspector) -> ArchitecturePanel:
    panel = ArchitecturePanel()
    panel.resize(500, 600)
    qtbot.addWidget(panel)
    panel.show_tree(inspector.tree)
    panel.show()
    return panel


def shown(panel: ArchitecturePanel) -> list[str]:
    model = panel.tree.model()

    def walk(parent: QModelIndex) -> Iterator[str]:
        for row in range(model.rowCount(parent)):
            index = model.index(row, 0, parent)
            yield str(index.data())
            yield from walk(index)

    return list(walk(QModelIndex()))


@pytest.mark.parametrize("text", ["1 hidden", "block 1 mlp hidden", "1.mlp.gelu", "GELU hidden resblocks.1"])
def test_words_and_dotted_names_filter(panel: ArchitecturePanel, qtbot: QtBot, text: str) -> None:
    qtbot.keyClicks(panel.filter, text)
    assert "MLP hidden" in shown(panel)
    assert "Attention" not in shown(panel)
    assert "Block 0" not in shown(panel)


def test_a_cleared_filter_shows_everything(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    before = shown(panel)
    qtbot.keyClicks(panel.filter, "nothing like it")
    assert shown(panel) == []
    panel.filter.clear()
    assert shown(panel) == before


def test_a_layer_that_the_filter_found_stays_in_sight(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    qtbot.keyClicks(panel.filter, "1.mlp.gelu")
    panel.choose(LAYER)
    panel.filter.clear()
    assert panel.tree.visualRect(panel.tree.currentIndex()).isValid()
    assert panel.tree.isExpanded(panel.tree.currentIndex().parent())


@pytest.mark.parametrize("text", ["block 1 hidden", "1.mlp.gelu"])
def test_enter_in_the_filter_chooses_the_only_layer_found(panel: ArchitecturePanel, qtbot: QtBot, text: str) -> None:
    chosen: list[LayerInfo] = []
    panel.layer_chosen.connect(chosen.append)
    qtbot.keyClicks(panel.filter, text)
    assert chosen == []
    qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    assert [info.name for info in chosen] == [LAYER]
    assert panel.tree.selectionModel().isSelected(panel.tree.currentIndex())
    assert panel.focusWidget() is panel.tree


def test_enter_passes_by_what_was_not_found_itself_or_cannot_be_chosen(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    chosen: list[LayerInfo] = []
    panel.layer_chosen.connect(chosen.append)
    for text in ("nothing like it", "1.attn.out_proj"):
        panel.filter.setText(text)
        qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    assert chosen == []
    panel.filter.setText("resblocks.1.ln_2")
    qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    assert [info.name for info in chosen] == ["visual.transformer.resblocks.1.ln_2"]


def test_filtering_alone_chooses_no_other_layer(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    panel.choose(LAYER)
    chosen: list[LayerInfo] = []
    panel.layer_chosen.connect(chosen.append)
    qtbot.keyClicks(panel.filter, "block 0 norm")
    panel.filter.clear()
    assert chosen == []


def test_typing_in_the_tree_finds_a_row(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    panel.tree.setFocus()
    qtbot.keyClicks(panel.tree, "norm of")
    assert panel.tree.currentIndex().data() == "Norm of class token"


def test_arrow_keys_choose_a_layer(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    chosen: list[LayerInfo] = []
    panel.layer_chosen.connect(chosen.append)
    panel.choose(LAYER)
    qtbot.keyClick(panel.tree, Qt.Key.Key_Down)
    assert [info.name for info in chosen] == [LAYER, "visual.transformer.resblocks.1.mlp.c_proj"]


def test_a_layer_that_cannot_be_visualised_is_not_chosen(panel: ArchitecturePanel) -> None:
    chosen: list[LayerInfo] = []
    panel.layer_chosen.connect(chosen.append)
    panel.choose("visual.transformer.resblocks.1.attn.out_proj")
    assert chosen == []


def test_the_name_is_copied(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    panel.choose(LAYER)
    panel.copy_action.trigger()
    assert QGuiApplication.clipboard().text() == LAYER


def test_all_is_expanded_and_collapsed(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    qtbot.mouseClick(panel.expand, Qt.MouseButton.LeftButton)
    panel.choose(LAYER)
    parent = panel.tree.currentIndex().parent()
    assert panel.tree.isExpanded(parent)
    qtbot.mouseClick(panel.collapse, Qt.MouseButton.LeftButton)
    assert not panel.tree.isExpanded(parent)


def test_tab_leaves_the_tree(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    panel.choose(LAYER)
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        panel.tree.setFocus()
        qtbot.keyClick(panel.tree, key)
        assert panel.focusWidget() is not panel.tree
    assert panel.tree.currentIndex().data() == "MLP hidden"


def test_names_can_be_read_in_a_small_window_and_after_it(panel: ArchitecturePanel) -> None:
    before = [panel.tree.columnWidth(column) for column in range(4)]
    panel.tree.expandAll()
    panel.resize(panel.minimumSizeHint().width(), 400)
    assert panel.tree.columnWidth(0) >= panel.tree.sizeHintForColumn(0)
    panel.tree.collapseAll()
    panel.resize(500, 600)
    assert [panel.tree.columnWidth(column) for column in range(4)] == before


@pytest.mark.parametrize("text", ["1.mlp.gelu:5", f"-{LAYER}:5"])
def test_a_units_name_chooses_its_layer_and_then_the_unit(panel: ArchitecturePanel, qtbot: QtBot, text: str) -> None:
    asked: list[object] = []
    panel.layer_chosen.connect(lambda info: asked.append(info.name))
    panel.unit_named.connect(asked.append)
    qtbot.keyClicks(panel.filter, text)
    assert "MLP hidden" in shown(panel)
    qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    assert asked == [LAYER, 5]


def test_an_exact_name_is_chosen_before_what_only_holds_it(panel: ArchitecturePanel, qtbot: QtBot) -> None:
    chosen: list[str] = []
    panel.layer_chosen.connect(lambda info: chosen.append(info.name))
    qtbot.keyClicks(panel.filter, "1.mlp")
    qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    assert chosen[-1] == "visual.transformer.resblocks.1.mlp"


@pytest.mark.parametrize(
    ("text", "layer"),
    [("stage 2", "visual.layer2"), ("layer2", "visual.layer2"), ("stage 2 block 0", "visual.layer2.0")],
)
def test_a_stage_is_chosen_before_layers_whose_words_only_hold_its_number(
    panel: ArchitecturePanel, qtbot: QtBot, resnet: CLIP, text: str, layer: str
) -> None:
    panel.show_tree(LayerInspector(resnet).tree)
    assert "stage 3" in panel.filter.placeholderText()
    chosen: list[str] = []
    panel.layer_chosen.connect(lambda info: chosen.append(info.name))
    qtbot.keyClicks(panel.filter, text)
    qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    assert chosen == [layer]
