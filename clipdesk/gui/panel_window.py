"""PanelWindow: the window's panels, and where they stand. What they do is joined in `main_window`."""

from __future__ import annotations

from PySide6.QtCore import QSettings, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QMainWindow, QWidget
from typing_extensions import override

from clipdesk.gui.center import CANVAS, GALLERY, Center
from clipdesk.gui.comparison_room import ComparisonRoom
from clipdesk.gui.controller import RenderController
from clipdesk.gui.layout import Place, first_size, make_docks, places_of
from clipdesk.gui.panels.architecture import ArchitecturePanel
from clipdesk.gui.panels.canvas import Canvas
from clipdesk.gui.panels.curves import CurvesPanel
from clipdesk.gui.panels.gallery import GalleryPanel
from clipdesk.gui.panels.log import LogPanel
from clipdesk.gui.panels.neurons import NeuronsPanel
from clipdesk.gui.panels.notice import NoticeBar, OfferBar
from clipdesk.gui.panels.parameters import ParametersPanel
from clipdesk.gui.panels.queue import QueuePanel
from clipdesk.gui.panels.status import StatusBar
from clipdesk.gui.preferences import Preferences
from clipdesk.gui.presets import PresetStore
from clipdesk.gui.session import Session
from clipdesk.gui.survey_room import SurveyRoom


class PanelWindow(QMainWindow):
    """Canvas, gallery and the pages of units in the centre, the other panels in docks around it.

    Args:
        settings: Where the layout, the presets and the last folder are kept.

    Signals:
        appeared: The window has been painted for the first time.
    """

    appeared = Signal()

    def __init__(self, settings: QSettings | None) -> None:
        super().__init__()
        preferences = Preferences(settings or QSettings("ClipDesk", "ClipDesk"))
        self.session = Session(preferences, self)
        self.controller = RenderController(self)
        self._painted = False
        self._make_panels(preferences.store)
        self.setWindowTitle("ClipDesk")
        self.resize(first_size(self.screen().availableGeometry().size()))
        modes = {CANVAS: self.canvas, GALLERY: self.gallery, **self.surveys.modes, **self.comparisons.modes}
        self.center = Center((self.notice, self.offer), modes, self.surveys.bar)
        self.setCentralWidget(self.center)
        panels: dict[str, QWidget] = {
            "Architecture": self.architecture,
            "Neurons": self.neurons,
            "Parameters": self.parameters,
            "Queue": self.queue,
            "Curves": self.curves,
            "Log": self.log,
        }
        self.docks = make_docks(self, panels)

    def _make_panels(self, store: QSettings) -> None:
        self.architecture = ArchitecturePanel()
        self.neurons = NeuronsPanel()
        self.parameters = ParametersPanel(PresetStore(store))
        self.canvas = Canvas()
        self.curves = CurvesPanel()
        self.queue = QueuePanel(self.controller.queue)
        self.gallery = GalleryPanel(store)
        self.surveys = SurveyRoom(self.session)
        self.comparisons = ComparisonRoom(self.session)
        self.log = LogPanel()
        self.notice = NoticeBar()
        self.offer = OfferBar()
        self.status = StatusBar()
        self.setStatusBar(self.status)

    def places(self) -> dict[str, Place]:
        """Where the keyboard can go, by the name of the dock or of the centre's mode."""
        widgets = {
            "Architecture": self.architecture.tree,
            "Neurons": self.neurons.table,
            "Parameters": self.parameters.preset,
            "Queue": self.queue.list,
            "Curves": self.curves,
            GALLERY: self.gallery.list,
            "Log": self.log.text,
            CANVAS: self.canvas.view,
            **self.surveys.places,
            **self.comparisons.places,
        }
        return places_of(widgets, self.docks, self.center)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            # Later: the paint is on its way to the screen only when this event is over.
            QTimer.singleShot(0, self.appeared.emit)
