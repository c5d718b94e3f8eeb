import pytest
from PySide6.QtCore import QSize

from clipdesk.gui.layout import first_size


@pytest.mark.parametrize(
    ("screen", "wanted"),
    [((1920, 1040), (1480, 940)), ((1280, 720), (1264, 672)), ((1366, 728), (1350, 680)), ((3840, 900), (1480, 852))],
)
def test_the_first_window_fits_its_screen(screen: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert first_size(QSize(*screen)) == QSize(*wanted)
