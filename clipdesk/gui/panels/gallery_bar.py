"""What stands over the gallery: a search, an order, and the size of the thumbnails; kept between sessions."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QToolButton, QWidget

from clipdesk.gui.icons import icon
from clipdesk.gui.item_models.gallery_order import ORDERS
from clipdesk.gui.panels.sliders import Slider
from clipdesk.gui.panels.thumbnails import LARGEST, SMALLEST
from clipdesk.gui.plain import plain_label

_SEARCH, _ORDER, _SIDE, _STARRED = "gallery/search", "gallery/order", "gallery/side", "gallery/starred"


class GalleryBar(QWidget):
    """The controls.

    Args:
        store: Where they are kept.

    Attributes:
        size_slider: The size of the thumbnails, for whoever has room for it.

    Signals:
        changed: Another search or order is wanted.
        side_chosen: The user wants thumbnails of this size.
    """

    changed = Signal()
    side_chosen = Signal(int)

    def __init__(self, store: QSettings) -> None:
        super().__init__()
        self._store = store
        self.search = QLineEdit(clearButtonEnabled=True)
        self.search.setPlaceholderText("Search: layer, text, unit, model, file, tag, note …")
        self.search.setAccessibleName("Search pictures")
        self.search.setToolTip(
            "Pictures that contain all of these words in layer, text, model, preset, outcome, name of the file, tags "
            "or note, also of their units. A number is a unit's"
        )
        self.search.setText(str(store.value(_SEARCH, "")))
        self.starred = QToolButton(autoRaise=True)
        self.starred.setIcon(icon("star_outline"))
        self.starred.setCheckable(True)
        self.starred.setAccessibleName("Starred only")
        self.starred.setToolTip("Show only pictures with a star")
        self.starred.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.starred.setChecked(str(store.value(_STARRED, "")) == "true")
        self.order = QComboBox()
        self.order.setAccessibleName("Order of the pictures")
        for name, order in ORDERS.items():
            self.order.addItem(order.title, name)
        self.order.setCurrentIndex(max(0, self.order.findData(str(store.value(_ORDER, "")))))
        self.count = plain_label()
        self.size_slider = Slider()
        self.size_slider.setAccessibleName("Size of the thumbnails")
        self.size_slider.setToolTip("Size of the thumbnails")
        self.size_slider.setRange(SMALLEST, LARGEST)
        self.size_slider.setFixedWidth(90)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 4, 0)
        row.addWidget(self.search, 1)
        row.addWidget(self.starred)
        row.addWidget(self.order)
        row.addWidget(self.count)
        self.search.textChanged.connect(self._change)
        self.starred.toggled.connect(self._change)
        self.order.currentIndexChanged.connect(self._change)
        self.size_slider.valueChanged.connect(self._choose_side)

    @property
    def side(self) -> int | None:
        """The size that the user has chosen for thumbnails; None if there is none."""
        try:
            return int(str(self._store.value(_SIDE, "")))
        except ValueError:
            return None

    @property
    def order_name(self) -> str:
        """The chosen order, a name of `ORDERS`."""
        return str(self.order.currentData())

    def show_side(self, side: int) -> None:
        """Show how large thumbnails are."""
        self.size_slider.blockSignals(True)
        self.size_slider.setValue(side)
        self.size_slider.blockSignals(False)

    def show_count(self, shown: int, total: int) -> None:
        """Show how many pictures there are, and how many of them are shown."""
        self.count.setText(f"{shown} of {total}" if shown < total else str(total) if total else "")

    def _change(self) -> None:
        self._store.setValue(_SEARCH, self.search.text())
        self._store.setValue(_ORDER, self.order_name)
        self._store.setValue(_STARRED, "true" if self.starred.isChecked() else "false")
        self.changed.emit()

    def _choose_side(self, side: int) -> None:
        self._store.setValue(_SIDE, side)
        self.side_chosen.emit(side)
