"""What ClipDesk relies on in the libraries under the window."""

import sys

import pytest
from PySide6.QtCore import QTimer


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal")
def test_calls_into_qt_keep_the_references_to_none() -> None:
    """PySide6 6.12.0 lost one at each call that returns nothing, until Python died with `none_dealloc`."""
    timer = QTimer()
    before = sys.getrefcount(None)
    for _ in range(1000):
        timer.setInterval(5)
    assert sys.getrefcount(None) > before - 100
