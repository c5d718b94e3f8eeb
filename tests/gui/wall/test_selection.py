"""Which units of the wall are selected."""

from __future__ import annotations

import pytest

from clipdesk.gui.wall.selection import Selection


@pytest.fixture
def selection() -> Selection:
    """Of ten units in rows of four, the last one first."""
    selection = Selection()
    selection.reset(10)
    selection.arrange(range(9, -1, -1), 4)
    return selection


def test_the_cursor_begins_at_the_first_unit(selection: Selection) -> None:
    assert (selection.current, selection.units) == (0, [])
    assert selection.place_of(0) == 9


def test_a_click_selects_one(selection: Selection) -> None:
    selection.choose(3)
    selection.choose(5)
    assert (selection.units, selection.current) == ([5], 5)


def test_ctrl_selects_beside_the_others_and_takes_away(selection: Selection) -> None:
    selection.choose(3)
    selection.choose(5, toggle=True)
    assert selection.units == [3, 5]
    selection.choose(3, toggle=True)
    assert selection.units == [5]


def test_shift_selects_from_row_to_row(selection: Selection) -> None:
    selection.choose(8)
    selection.choose(4, extend=True)
    assert selection.units == [4, 5, 6, 7, 8]
    selection.choose(9, extend=True)
    assert selection.units == [8, 9], "a range begins where the last click without Shift was"


def test_on_a_map_shift_selects_a_rectangle(selection: Selection) -> None:
    selection.boxed = True
    selection.choose(8)
    selection.choose(3, extend=True)
    assert selection.units == [3, 4, 7, 8]


def test_ctrl_and_shift_add_a_range(selection: Selection) -> None:
    selection.choose(0)
    selection.choose(6, toggle=True)
    selection.choose(7, toggle=True, extend=True)
    assert selection.units == [0, 6, 7]


def test_a_rectangle_selects_what_it_touches(selection: Selection) -> None:
    selection.choose_box(0.9, 0.2, 2.1, 1.1)
    assert selection.units == [3, 4, 5, 7, 8, 9]
    selection.choose_box(-5, 1.5, 0.5, 99, beside=[9])
    assert selection.units == [1, 5, 9]


def test_a_rectangle_beside_the_wall_selects_nothing(selection: Selection) -> None:
    selection.choose_box(-5, 0, -1, 2)
    assert selection.units == []
    selection.choose_box(5, 0, 8, 2)
    assert selection.units == []


def test_what_is_selected_stays_in_another_order(selection: Selection) -> None:
    selection.choose(3)
    selection.arrange(range(10), 4)
    assert (selection.units, selection.place_of(3)) == ([3], 3)


def test_units_that_the_layer_does_not_have_are_left_out(selection: Selection) -> None:
    selection.choose_all([3, 10, -1])
    assert selection.units == [3]
