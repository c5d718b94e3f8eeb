import numpy as np
import pytest
from clip.model import CLIP
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QImage
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from clipdesk.export.recipe import Activations
from clipdesk.gui.images import packed, to_image
from clipdesk.gui.item_models.neurons import NeuronTableModel, targets_from
from clipdesk.gui.item_models.unit_columns import COLUMNS, UnitState, column_of
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, Layout
from clipdesk.render.targets import Unit
from tests.gui.item_models.test_conditions import known
from tests.recipes import make_recipe

LAYER = LayerInfo("layer", "Linear", (12,), Layout.VECTOR, 12, source=ModuleOutput("layer"))


def rows(model: NeuronTableModel) -> list[object]:
    return [model.data(model.index(row, column_of("index"))) for row in range(model.rowCount())]


def test_the_neuron_table_is_a_sound_model(inspector: LayerInspector, qtmodeltester: ModelTester) -> None:
    model = NeuronTableModel()
    model.set_layer(inspector.get_layer_info("visual.conv1"))
    qtmodeltester.check(model)


def test_states_are_kept_for_every_layer(inspector: LayerInspector, resnet: CLIP) -> None:
    attention = inspector.get_layer_info("visual.transformer.resblocks.1.attn")
    model = NeuronTableModel()
    model.set_layer(attention)
    model.set_state(Unit(layer=attention.name, index=3), UnitState("done", 1.23456, 500))
    model.set_layer(inspector.get_layer_info("visual.conv1"))
    assert model.data(model.index(3, column_of("status"))) == ""
    model.set_layer(attention)
    keys = "index", "activation", "status", "steps"
    cells = [model.data(model.index(3, column_of(key))) for key in keys]
    assert cells == [3, "1.235", "done", "500"]


def test_sorting_by_activation_puts_what_was_reached_first() -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    model.set_state(Unit(layer="layer", index=7), UnitState("done", 2.0))
    model.set_state(Unit(layer="layer", index=3), UnitState("done", 5.0))
    model.sort(column_of("activation"), Qt.SortOrder.DescendingOrder)
    assert rows(model)[:2] == [3, 7]
    model.sort(column_of("index"), Qt.SortOrder.AscendingOrder)
    assert rows(model) == list(range(12))


def test_sorting_by_what_units_are_at_now() -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    model.set_state(Unit(layer="layer", index=7), UnitState("done", 2.0, 500, thumbnail=b"a picture"))
    model.set_state(Unit(layer="layer", index=3), UnitState("done", 5.0, 100))
    model.set_status([Unit(layer="layer", index=index) for index in (3, 5, 12)], "waiting")
    model.sort(column_of("status"), Qt.SortOrder.DescendingOrder)
    assert rows(model)[:3] == [3, 5, 7]
    model.sort(column_of("steps"), Qt.SortOrder.DescendingOrder)
    assert rows(model)[:3] == [7, 3, 0]
    model.sort(column_of("picture"), Qt.SortOrder.AscendingOrder)
    assert rows(model)[0] == 7
    model.set_filter("waiting")
    assert rows(model) == [3, 5]


@pytest.mark.parametrize("order", [Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder])
@pytest.mark.parametrize("column", ["picture", "activation", "status", "steps"])
def test_empty_rows_come_last_in_either_order(column: str, order: Qt.SortOrder) -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    for index, reached in ((9, -2.0), (4, 0.0), (7, 3.0)):
        model.set_state(Unit(layer="layer", index=index), UnitState("done", reached, 100 + index, thumbnail=b"x"))
    model.sort(column_of(column), order)
    assert set(rows(model)[:3]) == {4, 7, 9}
    assert rows(model)[3:] == [0, 1, 2, 3, 5, 6, 8, 10, 11]
    if column == "activation":
        assert rows(model)[:3] == ([9, 4, 7] if order is Qt.SortOrder.AscendingOrder else [7, 4, 9])


def test_the_model_says_when_another_order_or_choice_of_units_is_due() -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    asked: list[bool] = []
    model.outdated.connect(lambda: asked.append(True))
    model.set_state(Unit(layer="layer", index=7), UnitState("done", 2.0))
    assert asked == []
    model.sort(column_of("activation"), Qt.SortOrder.DescendingOrder)
    model.set_state(Unit(layer="layer", index=9), UnitState("done", 3.0))
    model.set_state(Unit(layer="another", index=9), UnitState("done", 3.0))
    assert (len(asked), rows(model)[:2]) == (1, [7, 0])
    model.rearrange()
    assert rows(model)[:2] == [9, 7]
    resets: list[bool] = []
    model.modelReset.connect(lambda: resets.append(True))
    model.rearrange()
    assert resets == []
    model.sort(column_of("index"))
    model.set_wanted("done")
    model.set_status([Unit(layer="layer", index=9)], "waiting")
    assert len(asked) == 2
    model.rearrange()
    assert rows(model) == [7]


def test_filtering_by_number_and_status() -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    model.set_state(Unit(layer="layer", index=4), UnitState("failed"))
    model.set_filter("fail")
    assert rows(model) == [4]
    model.set_filter("neuron 1")
    assert rows(model) == [1, 10, 11]
    model.set_filter("")
    assert model.rowCount() == 12


def test_a_status_leaves_what_was_reached() -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    model.set_state(Unit(layer="layer", index=4), UnitState("done", 2.0, 500))
    model.set_status([Unit(layer="layer", index=4)], "waiting")
    assert model.state("layer", 4) == UnitState("waiting", 2.0, 500)


def test_dragged_rows_carry_their_units() -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    model.sort(column_of("index"), Qt.SortOrder.DescendingOrder)
    data = model.mimeData([model.index(0, 0), model.index(0, 1), model.index(2, 0)])
    assert targets_from(data) == (Unit(layer="layer", index=9), Unit(layer="layer", index=11))
    assert data.text() == "layer:9\nlayer:11"


def test_one_column_takes_the_rest_and_every_key_is_its_own() -> None:
    keys = [column.key for column in COLUMNS]
    assert len(set(keys)) == len(keys)
    assert [column.key for column in COLUMNS if column.takes_rest] == ["status"]
    assert [keys[column_of(key)] for key in keys] == keys
    with pytest.raises(ValueError, match="words"):
        column_of("words")


def test_the_table_can_be_filtered_by_what_became_of_pictures() -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    for index, status in enumerate(("done", "stopped at 39", "nothing excited it", "found nothing better than noise")):
        model.set_state(Unit(layer="layer", index=index), UnitState(status, 1.0, 39))

    def shown(status: str | None) -> list[int]:
        model.set_wanted(status)
        return [model.unit_at(row) for row in range(model.rowCount())]

    assert [shown(status) for status in ("done", "stopped", "nothing", "found")] == [[0], [1], [2], [3]]
    assert len(shown("")) == len(shown(None)) - 4


@pytest.mark.parametrize(("reached", "status", "grey"), [(2.0, "done", False), (0.0, "nothing excited it", True)])
def test_a_picture_that_shows_nothing_has_no_colours(reached: float, status: str, grey: bool) -> None:
    model = NeuronTableModel()
    model.set_layer(LAYER)
    activation = Activations(start=0.0, end=reached, best=reached, picture=reached)
    recipe = make_recipe(Unit(layer="layer", index=3)).model_copy(update={"activation": activation})
    red = packed(to_image(np.full((32, 32, 3), [250, 20, 20], dtype=np.uint8)))
    state = UnitState.of(recipe, red, None)
    assert (state.status, state.activation, state.steps) == (status, reached, recipe.steps)
    model.set_state(Unit(layer="layer", index=3), state)
    icon = model.index(3, column_of("picture")).data(Qt.ItemDataRole.DecorationRole)
    assert (icon.pixmap(32, 32).toImage().pixelColor(16, 16).saturation() < 5) is grey


def test_photos_that_have_not_come_are_asked_for_again_behind_those_that_were_seen_last(qtbot: QtBot) -> None:
    four = known()
    model = NeuronTableModel()
    model.set_layer(four.layer)
    model.show_facts(four.layer.name, four.facts)
    asked: list[list[int]] = []
    model.photos_wanted.connect(asked.append)

    def see(*units: int) -> list[bool]:
        """Which of some units have a photo, as their rows are painted."""
        rows = [model.index(unit, column_of("picture")) for unit in units]
        found = [row.data(Qt.ItemDataRole.DecorationRole) is not None for row in rows]
        QCoreApplication.processEvents()
        return found

    square = to_image(np.zeros((32, 32, 3), dtype=np.uint8))
    assert see(0, 1) == [False, False]
    assert asked.pop() == [0, 1]
    assert see(2, 0) == [False, False]
    assert asked.pop() == [2, 0, 1], "scrolled before the first had come, which are given up"
    # There is no thumbnail of the second.
    model.add_photos({1: QImage(), 2: square})
    assert see(0, 1, 2) == [False, False, True]
    assert not asked, "one that does not exist has come, too"
    see(3)
    assert asked.pop() == [3, 0]
    model.add_photos({0: square, 3: square})
    assert see(0, 1, 2, 3) == [True, False, True, True]
    model.show_facts(four.layer.name, four.facts)
    assert see(1) == [False]
    assert asked == [[1]], "of what was seen before nothing is left"
