"""What leaves the window about a unit: its page, its layer's page, a link, a command."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox

from clipdesk.imagesets.suffixes import is_drawn
from clipdesk.links import Link
from clipdesk.network.layer_names import short_layer

if TYPE_CHECKING:
    from clipdesk.gui.panels.unit_page import UnitPage
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.desk import SurveyDesk

_KINDS = "Page (*.html);;JSON (*.json)"


class UnitOut(QObject):
    """Exports and copies.

    Args:
        session: Knows the open model and the results folder.
        desk: Writes the pages.
        page: Has the unit and the actions.
    """

    def __init__(self, session: Session, desk: SurveyDesk, page: UnitPage) -> None:
        super().__init__(session)
        self._session, self._desk, self._page = session, desk, page
        page.export_action.triggered.connect(self._export_unit)
        page.export_layer_action.triggered.connect(self._export_layer)
        page.link_action.triggered.connect(self._copy_link)
        page.command_action.triggered.connect(self._copy_command)
        desk.exported.connect(self._tell)

    @Slot()
    def _export_unit(self) -> None:
        self._export(whole_layer=False)

    @Slot()
    def _export_layer(self) -> None:
        self._export(whole_layer=True)

    def _export(self, *, whole_layer: bool) -> None:
        survey, pooled = self._desk.current, self._page.pooled
        if survey is None or pooled is None:
            return
        layer = short_layer(pooled.layer)
        proposal = layer if whole_layer else f"{layer}-{pooled.unit}"
        start = str(self._session.preferences.folder / f"{proposal}.html")
        title = "Export the page of the layer" if whole_layer else "Export the page of the unit"
        name, kind = QFileDialog.getSaveFileName(self._page, title, start, _KINDS)
        if not name:
            return
        path = Path(name) if Path(name).suffix else Path(f"{name}{'.json' if 'json' in kind else '.html'}")
        photos = is_drawn(survey.manifest.source) or self._may_show_photos()
        results = self._session.preferences.folder
        self._desk.export(path, pooled, results, whole_layer=whole_layer, photos=photos)

    def _may_show_photos(self) -> bool:
        """Pages are there to be given to others, and photos are the user's own."""
        text = "Show small previews of your photos on the page? Without them it has names and numbers alone."
        return (
            QMessageBox.question(self._page, "Export a page", text, defaultButton=QMessageBox.StandardButton.No)
            == QMessageBox.StandardButton.Yes
        )

    @Slot(str)
    def _tell(self, path: str) -> None:
        self._session.say(f"Written: {path}")

    @Slot()
    def _copy_link(self) -> None:
        pooled = self._page.pooled
        if pooled is not None and self._session.model is not None:
            link = Link(str(self._session.model.name), pooled.layer, pooled.unit)
            self._copy(str(link), "Copied the link to this unit")

    @Slot()
    def _copy_command(self) -> None:
        survey, pooled = self._desk.current, self._page.pooled
        if survey is not None and pooled is not None:
            what = f"{short_layer(pooled.layer)}:{pooled.unit}"
            line = ["clipdesk", "page", what, "--model", str(survey.model), "--survey", survey.folder.name]
            line += [] if pooled.pooling is None else ["--pooling", pooled.pooling]
            self._copy(shlex.join(line), "Copied the command that writes this unit's page")

    def _copy(self, text: str, said: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._session.say(said)
