"""The list of presets: each with a grey line that says how it looks and what it costs."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QApplication, QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from clipdesk.gui.item_models.qt import Index
from clipdesk.render.presets import PRESETS, Preset

ABOUT_ROLE = Qt.ItemDataRole.UserRole + 1
_TITLE = Qt.ItemDataRole.DisplayRole
_Role = QPalette.ColorRole
_PAD = 4


def about(preset: Preset) -> str:
    """How long a preset's pictures take beside a draft, and how they look."""
    times = round(_passes(preset) / _passes(PRESETS["draft"]))
    cost = f"{times}\N{MULTIPLICATION SIGN} Draft's time" if times > 1 else ""
    return ", ".join(filter(None, (cost, preset.look)))


def _passes(preset: Preset) -> int:
    """How often the network looks at a picture, which takes nearly all of the time."""
    return preset.settings.iterations * preset.settings.views


class PresetList(QComboBox):
    """A combo box whose list has two lines for each preset."""

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(_TwoLines(self))

    def add(self, title: str, name: str, preset: Preset) -> None:
        """Add a preset under the title that the user reads."""
        self.addItem(title, name)
        self.setItemData(self.count() - 1, about(preset), ABOUT_ROLE)


class _TwoLines(QStyledItemDelegate):
    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        metrics = option.fontMetrics
        widest = max(metrics.horizontalAdvance(str(index.data(role) or "")) for role in (_TITLE, ABOUT_ROLE))
        return QSize(widest + 4 * _PAD, 2 * metrics.lineSpacing() + 2 * _PAD)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style() if option.widget is not None else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        line, area = option.fontMetrics.lineSpacing(), option.rect.adjusted(2 * _PAD, _PAD, -_PAD, -_PAD)
        painter.save()
        for i, (role, grey) in enumerate(((_TITLE, False), (ABOUT_ROLE, True))):
            color = _Role.HighlightedText if chosen else _Role.PlaceholderText if grey else _Role.Text
            painter.setPen(option.palette.color(color))
            place = QRect(area.left(), area.top() + i * line, area.width(), line)
            text = option.fontMetrics.elidedText(str(index.data(role) or ""), Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()
