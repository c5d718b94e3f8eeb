"""What hangs on the wall."""

from __future__ import annotations

import pytest

from clipdesk.gui.wall.source import Hanging, Kind, columns_of


@pytest.mark.parametrize(("units", "columns"), [(0, 1), (1, 2), (6, 3), (768, 34), (3072, 68)])
def test_the_wall_is_half_as_wide_again_as_high(units: int, columns: int) -> None:
    assert columns_of(units) == columns


def test_the_last_row_may_be_short() -> None:
    assert Hanging(range(10), 4, Kind.BOTH, 0, 0).rows == 3
    assert Hanging(range(8), 4, Kind.BOTH, 0, 0).rows == 2
