"""The dialog in which a model is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.item_models.models import Choice, ModelsFilter, ModelsModel
from clipdesk.gui.panels.rows_table import RowsTable
from clipdesk.gui.plain import plain_label, rich_label


class ModelChooser(QDialog):
    """A table of models with a filter; the caller fills it.

    Signals:
        chosen: Name of the model to open.
        checkpoint_asked: The user wants to choose a checkpoint file instead.
    """

    chosen = Signal(str)
    checkpoint_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.model, self.filter = ModelsModel(self), ModelsFilter(self)
        self.filter.setSourceModel(self.model)
        self.box = QLineEdit(placeholderText="Filter: any words, such as laion 336", clearButtonEnabled=True)
        self.box.setAccessibleName("Filter")
        self.table = self._make_table()
        self.details, self.note = rich_label(wrap=True), plain_label(wrap=True)
        self.details.setOpenExternalLinks(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.details.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.checkpoint = QPushButton("Open &checkpoint …")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.addButton(self.checkpoint, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        for widget in (self.box, self.table, self.details, self.note, self.buttons):
            layout.addWidget(widget, 1 if widget is self.table else 0)
        self.resize(180 * self.fontMetrics().averageCharWidth(), 40 * self.fontMetrics().height())
        self._connect()
        self.say("")
        self._update()

    def _make_table(self) -> QTableView:
        table = RowsTable()
        table.setAccessibleName("Models")
        table.setModel(self.filter)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        # The end of a path says more than its beginning.
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(round(1.5 * table.fontMetrics().height()))
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(56 * table.fontMetrics().averageCharWidth())
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.setSortingEnabled(True)
        return table

    def _connect(self) -> None:
        self.box.textChanged.connect(self._look_for)
        self.table.selectionModel().currentRowChanged.connect(self._update)
        self.table.doubleClicked.connect(self.accept)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.checkpoint.clicked.connect(self._ask_for_checkpoint)

    def show_choices(self, choices: Sequence[Choice], current: str | None) -> None:
        """Fill the table, and select the model that is open."""
        self.model.show_choices(choices)
        row = next((row for row, choice in enumerate(choices) if choice.model.name == current and not choice.gone), 0)
        self._select(self.filter.mapFromSource(self.model.index(row, 0)))

    def add(self, choices: Sequence[Choice]) -> None:
        """Show more models, below."""
        self.model.add(choices)
        self._update()

    def say(self, text: str) -> None:
        """Show a line below the table, such as which models are still being looked for."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def choice(self) -> Choice | None:
        """The selected model; None if it cannot be opened."""
        index = self.table.currentIndex()
        choice = self._at(index) if index.isValid() else None
        return None if choice is None or choice.gone else choice

    def accept(self) -> None:
        """Open the selected model, if there is one."""
        choice = self.choice()
        if choice is not None:
            self.chosen.emit(choice.model.name)
            super().accept()

    def _ask_for_checkpoint(self) -> None:
        self.reject()
        self.checkpoint_asked.emit()

    def _look_for(self, text: str) -> None:
        self.filter.look_for(text)
        name = text.strip().casefold()
        rows = range(self.filter.rowCount())
        exact = next((row for row in rows if self._at(self.filter.index(row, 0)).model.name.casefold() == name), None)
        if exact is not None:
            self._select(self.filter.index(exact, 0))
        elif self.choice() is None:
            self._select(self.filter.index(0, 0))
        self._update()

    def _at(self, index: QModelIndex) -> Choice:
        return self.model.choices[self.filter.mapToSource(index).row()]

    def _select(self, index: QModelIndex) -> None:
        self.table.setCurrentIndex(index)
        if index.isValid():
            self.table.scrollTo(index)

    def _update(self) -> None:
        choice = self.choice()
        self.buttons.button(QDialogButtonBox.StandardButton.Open).setEnabled(choice is not None)
        if choice is None:
            self.details.setText("" if self.filter.rowCount() else "No model matches these words.")
            return
        model = choice.model
        page = f'<br><a href="{escape(model.page)}">{escape(model.page)}</a>' if model.page else ""
        size = "" if model.exact else " Its size is estimated from its number of weights."
        self.details.setText(f"<b>{escape(model.name)}</b>: {escape(model.description)}.{size}{page}")
