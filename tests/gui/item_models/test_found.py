"""Units that a search has found."""

from __future__ import annotations

from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from clipdesk.gui.item_models.found import IMAGES_ROLE, FoundModel
from clipdesk.gui.surveys.data import FoundUnit, PooledUnit


def test_only_pictures_of_its_units_are_kept(qtbot: QtBot) -> None:
    """All thumbnails that the window reads come by, of every page: they would fill the memory."""
    model = FoundModel()
    told: list[object] = []
    model.dataChanged.connect(lambda *_: told.append(1))
    images = {picture: QImage(4, 4, QImage.Format.Format_RGB32) for picture in range(10)}
    model.add_images(images)
    model.show([FoundUnit(PooledUnit("visual", 3), 0.5, (2, 7))])
    assert model.index(0).data(IMAGES_ROLE) == [None, None]
    model.add_images({5: images[5]})
    assert told == []
    model.add_images(images)
    assert model.index(0).data(IMAGES_ROLE) == [images[2], images[7]]
    assert len(model._images) == 2
