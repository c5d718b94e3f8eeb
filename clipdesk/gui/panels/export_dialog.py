"""The export dialog: which pictures, where to, under which names, and what happens to files of the same names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.export.plan import PATTERNS, PLACEHOLDERS, Existing, Fate, Planned, plan_export
from clipdesk.gui.exporter import Export, Exporter, Source
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.panels.rows_table import RowsTable
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.problems import Problem

_COLUMNS = ("Picture", "File", "Note")
_EXISTING = {
    Existing.NUMBER: "Keep both: the new file gets a number",
    Existing.REPLACE: "Replace them",
    Existing.SKIP: "Leave them as they are",
}
_EXTRAS = {
    "contact-sheet.png": ("Contact sheet (PNG)", "These pictures on one sheet, with labels"),
    "contact-sheet.pdf": ("Contact sheet (PDF)", "These pictures on pages to print, with labels"),
    "page.html": ("Web page", "All pictures of the folder, to filter and view in a browser"),
    "curves.csv": ("Curves (CSV)", "The activation of every picture of the folder at each step"),
}
_LOOK_DELAY_MS = 250

Choices = dict[str, Callable[[], Sequence[Source]]]
"""Functions that give the pictures to export, by the name of the choice."""


def room_in_words(names: Sequence[str] | None, free: int | None) -> str:
    """What is in a folder, and how much room its disk has.

    Args:
        names: The names of its files; None if it does not exist yet.
        free: The bytes that are free; None if that is not known.
    """
    count = 0 if names is None else len(names)
    there = "The folder will be made" if names is None else f"{count or 'No'} file{'' if count == 1 else 's'} in it"
    return there if free is None else f"{there}, {free / 1e9:,.1f} GB free"


class PlanModel(QAbstractTableModel):
    """The name that each picture will get, and what happens to a file that has it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, Planned]] = []

    def show_plan(self, sources: Sequence[Source], plan: Sequence[Planned]) -> None:
        """Show another plan; an empty one if it could not be made."""
        self.beginResetModel()
        self._rows = [(source.label, planned) for source, planned in zip(sources, plan, strict=False)]
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    @override
    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        label, planned = self._rows[index.row()]
        text = (label, planned.name, "" if planned.fate is Fate.NEW else planned.fate.value)[index.column()]
        return plain_tip(text) if role == Qt.ItemDataRole.ToolTipRole else text

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        return None


class ExportDialog(QDialog):
    """Asks, shows what will happen, and follows the export.

    Args:
        exporter: Does the work.
        choices: The sets of pictures to choose from.
        folder: The folder that is suggested.
        parent: The window.
    """

    def __init__(self, exporter: Exporter, choices: Choices, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export pictures")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._exporter = exporter
        self._sources = {name: list(choose()) for name, choose in choices.items()}
        self._taken: list[str] = []
        self._plan: list[Planned] = []
        self._running = False
        self._reported = False
        self._problem = ""
        self.model = PlanModel(self)
        self._make_fields(folder)
        self._lay_out()
        self._connect()
        self._look()
        self._update()

    def _make_fields(self, folder: Path) -> None:
        self.choice = QComboBox()
        for name, sources in self._sources.items():
            if sources:
                self.choice.addItem(f"{name} ({len(sources)})", name)
        self.folder = QLineEdit(str(folder))
        self.browse = QPushButton("Choose …")
        self.pattern = QComboBox(editable=True)
        self.pattern.addItems(PATTERNS)
        self.existing = QComboBox()
        for value, text in _EXISTING.items():
            self.existing.addItem(text, value)
        self.extras: dict[str, QCheckBox] = {}
        for name, (text, tip) in _EXTRAS.items():
            self.extras[name] = QCheckBox(text)
            self.extras[name].setToolTip(tip)
        self.table = RowsTable()
        self.table.setModel(self.model)
        self.table.setAccessibleName("What will be written")
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.table.setWordWrap(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.room = plain_label()
        self.room.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.room.setAccessibleName("What is in the folder")
        self.summary = plain_label(wrap=True)
        self.summary.setAccessibleName("Summary")
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName("Progress")
        self.progress.hide()
        self.show_button = QPushButton("Show folder")
        self.show_button.hide()
        self.close_button = QPushButton("Cancel")
        self.export_button = QPushButton("Export", default=True)

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.addWidget(self.folder, 1)
        place.addWidget(self.browse)
        hint = plain_label("Placeholders, in braces: " + ", ".join(PLACEHOLDERS))
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        also = QHBoxLayout()
        for box in self.extras.values():
            also.addWidget(box)
        also.addStretch(1)
        form = QFormLayout()
        form.addRow("&Pictures", self.choice)
        form.addRow("&Folder", place)
        form.addRow("", self.room)
        form.addRow("&Names", self.pattern)
        form.addRow("", hint)
        form.addRow("Files that are &there", self.existing)
        form.addRow("Also", also)
        label = form.labelForField(place)
        if isinstance(label, QLabel):
            # A layout in a row has no buddy of its own.
            label.setBuddy(self.folder)
        for widget, name in ((self.folder, "Folder"), (self.choice, "Pictures"), (self.pattern, "Names")):
            widget.setAccessibleName(name)
        self.existing.setAccessibleName("Files that are there")
        buttons = QHBoxLayout()
        buttons.addWidget(self.show_button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.export_button)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.table, 1)
        column.addWidget(self.summary)
        column.addWidget(self.progress)
        column.addLayout(buttons)
        unit = self.fontMetrics().averageCharWidth()
        self.resize(110 * unit, 34 * self.fontMetrics().height())

    def _connect(self) -> None:
        self._timer = QTimer(self, interval=_LOOK_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._look)
        self.folder.textChanged.connect(lambda: self._timer.start())
        self.browse.clicked.connect(self._ask_folder)
        self.choice.currentIndexChanged.connect(self._update)
        self.pattern.editTextChanged.connect(self._update)
        self.existing.currentIndexChanged.connect(self._update)
        self.close_button.clicked.connect(self.reject)
        self.export_button.clicked.connect(self.start)
        self.show_button.clicked.connect(self._show_folder)
        self._exporter.listed.connect(self._listed)
        self._exporter.progressed.connect(self._progressed)
        self._exporter.failed.connect(self._failed)
        self._exporter.finished.connect(self._finished)

    @property
    def sources(self) -> list[Source]:
        """The chosen pictures."""
        return self._sources.get(self.choice.currentData(), [])

    @property
    def _wanted(self) -> Existing:
        # Qt gives back the bare text.
        return Existing(self.existing.currentData())

    @property
    def place(self) -> Path:
        """The chosen folder."""
        return Path(self.folder.text()).expanduser()

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder", self.folder.text())
        if name:
            self.folder.setText(name)

    def _look(self) -> None:
        self._exporter.look(self.place)

    def _listed(self, folder: Path, names: list[str] | None, free: int | None) -> None:
        if folder == self.place:
            self._taken = names or []
            self.room.setText(room_in_words(names, free))
            if not self._reported:
                self._update()

    def _update(self) -> None:
        if self._running:
            return
        self._reported = False
        try:
            recipes = [source.recipe for source in self.sources]
            self._plan = plan_export(recipes, self.pattern.currentText(), self._taken, self._wanted)
        except UsageError as error:
            self._plan = []
            self.summary.setText(str(error))
        else:
            self.summary.setText(self._outlook())
        self.model.show_plan(self.sources, self._plan)
        writes = any(planned.fate is not Fate.LEFT for planned in self._plan)
        self.export_button.setEnabled(writes and bool(self.folder.text().strip()))

    def _outlook(self) -> str:
        left = sum(1 for planned in self._plan if planned.fate is Fate.LEFT)
        replaced = sum(1 for planned in self._plan if planned.fate is Fate.REPLACES)
        new = len(self._plan) - left
        text = f"{new} picture{'' if new == 1 else 's'} will be written"
        if replaced:
            text += f"; {replaced} of them replace files"
        if left:
            text += f"; {left} exist already"
        return f"{text}."

    def start(self) -> None:
        """Export the pictures as the table shows it."""
        self._running, self._problem = True, ""
        extras = [name for name, box in self.extras.items() if box.isChecked()]
        replace = self._wanted is Existing.REPLACE
        self.progress.setMaximum(0)
        self.progress.show()
        self._enable(False)
        self.summary.setText("Exporting …")
        self._exporter.export(Export(self.sources, self._plan, self.place, replace, extras))

    def _enable(self, enabled: bool) -> None:
        for widget in (self.choice, self.folder, self.browse, self.pattern, self.existing, *self.extras.values()):
            widget.setEnabled(enabled)
        self.export_button.setEnabled(enabled)

    def _progressed(self, done: int, total: int) -> None:
        self.progress.setMaximum(total)
        self.progress.setValue(done)
        self.summary.setText(f"Exporting {done} of {total} …")

    def _failed(self, problem: Problem) -> None:
        self._problem = problem.message

    def _finished(self, written: int, asked: int) -> None:
        if not self._running:
            return
        self._running = False
        self.progress.hide()
        self._enable(True)
        self.close_button.setText("Close")
        self.show_button.setVisible(written > 0)
        text = f"{written} of {asked} pictures exported to {self.place}."
        self.summary.setText(f"{self._problem} {text}" if self._problem else text)
        self.export_button.setEnabled(False)
        # The folder is listed again, but the outcome stays until the user changes something.
        self._reported = True
        self._look()

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.place)))

    @override
    def reject(self) -> None:
        """Stop the export if it runs; otherwise close."""
        if self._running:
            self._exporter.cancel()
        else:
            super().reject()
