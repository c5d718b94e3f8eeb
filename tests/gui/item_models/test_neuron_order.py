import pytest

from clipdesk.gui.item_models.neuron_order import found_by, in_order
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, Layout

LAYER = LayerInfo("visual.a", "Linear", (12,), Layout.VECTOR, 12, source=ModuleOutput("visual.a"))


def test_units_without_a_value_come_last_in_either_order() -> None:
    values = {2: 5.0, 4: -1.0, 5: 5.0}
    assert in_order(range(6), values, falling=False) == [4, 2, 5, 0, 1, 3]
    assert in_order(range(6), values, falling=True) == [2, 5, 4, 0, 1, 3]
    assert in_order([5, 3, 4], values, falling=True) == [5, 4, 3]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("1", [1, 10, 11]),
        ("neuron 1", [1, 10, 11]),
        ("3 done", [3]),
        ("done", [3, 7]),
        ("visual.a:5", [5]),
        ("visual.b:5", []),
        ("visual.a:12", []),
        ("nowhere", []),
    ],
)
def test_a_filter_finds_units_by_number_kind_and_status(words: str, found: list[int]) -> None:
    cells = [[str(unit) for unit in range(12)], ["done" if unit in (3, 7) else "" for unit in range(12)]]
    assert found_by(words, LAYER, cells) == found
