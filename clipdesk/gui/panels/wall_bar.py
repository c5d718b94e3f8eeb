"""What stands over the wall: the order of the units, what tiles show, and how near they are; kept between sessions."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from clipdesk.gui.actions import action_button, make_action
from clipdesk.gui.plain import plain_label
from clipdesk.gui.wall.source import Kind

INDEX, MAP = "index", "map"
_COLUMNS = ("density", "selectivity", "kurtosis", "maximum", "clarity", "monosemanticity", "redundancy")
ORDERS = (INDEX, MAP, *_COLUMNS)
_TITLES = {INDEX: "Index", MAP: "Similarity"}
NO_SURVEY = "This needs a survey of the layer: see the page of a unit"
_NO_NUMBERS = "The survey does not have this number"
_KINDS = {Kind.BOTH: "Picture and photo", Kind.PICTURE: "Picture", Kind.PHOTO: "Top photo"}
_ORDER, _BACKWARDS, _KIND, _SIDE = "wall/order", "wall/backwards", "wall/kind", "wall/side"


class WallBar(QWidget):
    """The controls.

    Args:
        store: Where they are kept.

    Signals:
        order_changed: The units are to be in another order.
        kind_changed: The `Kind` of tile that is to be shown.
    """

    order_changed = Signal()
    kind_changed = Signal(object)

    def __init__(self, store: QSettings) -> None:
        super().__init__()
        self._store = store
        self.order = QComboBox()
        self.order.setAccessibleName("Order of the units")
        for name in ORDERS:
            self.order.addItem(_TITLES.get(name, name.capitalize()), name)
        self._possible: dict[str, str] = dict.fromkeys(ORDERS, "")
        self.backwards_action = make_action(
            self, "Turn around", "sort_variant", None, "Show the smallest number first", checkable=True
        )
        self.kind = QComboBox()
        self.kind.setAccessibleName("What tiles show")
        self.kind.setToolTip("What tiles show: the rendered picture, the photo that excites the unit most, or both")
        for kind, title in _KINDS.items():
            self.kind.addItem(title, kind)
        self.count = plain_label()
        self.wanted = str(store.value(_ORDER, INDEX))
        self.order.setCurrentIndex(max(0, self.order.findData(self.wanted)))
        self.backwards_action.setChecked(str(store.value(_BACKWARDS, "")) == "true")
        self.wanted_kind = next((kind for kind in Kind if kind.value == str(store.value(_KIND, ""))), Kind.BOTH)
        self._has_photos = False
        self._lay_out()
        self.order.activated.connect(self._choose)
        self.backwards_action.triggered.connect(self._choose)
        self.kind.activated.connect(self._choose_kind)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 4, 0)
        row.addWidget(self.order)
        row.addWidget(action_button(self.backwards_action, "Smallest number first"))
        row.addWidget(self.kind)
        row.addStretch(1)
        row.addWidget(self.count)

    @property
    def side(self) -> float:
        """The side of a cell in the last session, in pixels; 0 for as small as shows all of them."""
        try:
            return max(0.0, float(str(self._store.value(_SIDE, "0"))))
        except ValueError:
            return 0

    def keep_side(self, side: float) -> None:
        """Keep the side of a cell for the next session."""
        self._store.setValue(_SIDE, f"{side:.1f}")

    @property
    def shown_kind(self) -> Kind:
        """What tiles can show: what is wanted, or without photos, pictures."""
        return Kind.BOTH if self.wanted_kind is Kind.PHOTO and not self._has_photos else self.wanted_kind

    @property
    def order_name(self) -> str:
        """The order that can be shown: the wanted one, or that of the index."""
        return self.wanted if not self._possible.get(self.wanted, NO_SURVEY) else INDEX

    @property
    def backwards(self) -> bool:
        """Whether the smallest number comes first."""
        return self.backwards_action.isChecked()

    def offer(self, columns: Collection[str] | None, map_problem: str) -> None:
        """Enable the orders that there can be; the others say why there cannot.

        Args:
            columns: The numbers that are known of the units; None without a survey.
            map_problem: Why there can be no map; empty where there can.
        """
        missing = NO_SURVEY if columns is None else _NO_NUMBERS
        for place, name in enumerate(ORDERS):
            why = "" if name == INDEX or (columns is not None and name in columns) else missing
            if name == MAP:
                why = NO_SURVEY if columns is None else map_problem
            self._possible[name] = why
            self._enable(self.order, place, why)
        self._enable(self.kind, list(_KINDS).index(Kind.PHOTO), NO_SURVEY if columns is None else "")
        self._has_photos = columns is not None
        self.kind.setCurrentIndex(list(_KINDS).index(self.shown_kind))
        self.order.setCurrentIndex(self.order.findData(self.order_name))
        tip = "Order of the units: by index, by a number of the survey, or with similar ones close together"
        self.order.setToolTip(f"{tip}. {missing}" if columns is None else tip)
        self.backwards_action.setEnabled(self.order_name not in (INDEX, MAP))

    @staticmethod
    def _enable(box: QComboBox, place: int, why_not: str) -> None:
        """Enable an entry of a box, or disable it and say why."""
        model = box.model()
        if isinstance(model, QStandardItemModel):
            model.item(place).setEnabled(not why_not)
        box.setItemData(place, why_not, Qt.ItemDataRole.ToolTipRole)

    def _choose(self) -> None:
        self.wanted = str(self.order.currentData())
        self._store.setValue(_ORDER, self.wanted)
        self._store.setValue(_BACKWARDS, "true" if self.backwards else "false")
        self.backwards_action.setEnabled(self.order_name not in (INDEX, MAP))
        self.order_changed.emit()

    def _choose_kind(self) -> None:
        self.wanted_kind = list(_KINDS)[self.kind.currentIndex()]
        self._store.setValue(_KIND, self.wanted_kind.value)
        self.kind_changed.emit(self.shown_kind)
