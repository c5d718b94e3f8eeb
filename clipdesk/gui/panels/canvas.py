"""The canvas: pictures as they form, with the steps that led to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDrag, QGuiApplication, QImage, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSlider,
    QStackedLayout,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.captions import caption, note
from clipdesk.gui.colors import track_color
from clipdesk.gui.images import to_image
from clipdesk.gui.panels.picture_view import PictureView, Tile
from clipdesk.gui.panels.welcome import Welcome

if TYPE_CHECKING:
    from clipdesk.gui.tracks import Track

MOST_TILES = 64
_PLAY_INTERVAL = 60
_DRAG_SIZE = 96


class Canvas(QWidget):
    """Tracks side by side, a tool bar over them and a slider through their kept frames below.

    Signals:
        selection_changed: Another picture is shown alone, or all are.
        compared: The list of `Track` shown from now on: one was kept for comparison, or is not any more.
    """

    selection_changed = Signal()
    compared = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.view = PictureView()
        self.welcome = Welcome()
        self.tracks: list[Track] = []
        self._pinned: Track | None = None
        self._steps: list[int] = []
        self._make_actions()
        self._make_slider()
        pictures = QWidget()
        column = QVBoxLayout(pictures)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_bar())
        column.addWidget(self.view, 1)
        column.addWidget(self._strip)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(pictures)
        self.view.solo_changed.connect(self.selection_changed)
        self.view.zoom_changed.connect(self._show_zoom)
        self.view.drag_asked.connect(self._drag_out)
        self._show_zoom(None)

    # Building

    def _make_actions(self) -> None:
        self.fit_action = self._action("Fit", "fit_to_page_outline", "Ctrl+0")
        self.fit_action.triggered.connect(lambda: self.view.set_zoom(None))
        self.one_action = self._action(
            "1:1", "numeric_1_box_outline", "Ctrl+1", "One screen pixel for each pixel of the picture"
        )
        self.one_action.triggered.connect(lambda: self.view.set_zoom(1.0))
        self.in_action = self._action("Zoom in", "magnify_plus_outline", "Ctrl++")
        self.in_action.setShortcuts([QKeySequence("Ctrl++"), QKeySequence("Ctrl+=")])
        self.in_action.triggered.connect(lambda: self.view.zoom_by(1.25))
        self.out_action = self._action("Zoom out", "magnify_minus_outline", "Ctrl+-")
        self.out_action.triggered.connect(lambda: self.view.zoom_by(1 / 1.25))
        tip = "Smooth the picture, or show its pixels as they are"
        self.smooth_action = self._action("Smooth", "blur", "Ctrl+Shift+B", tip, checkable=True)
        self.smooth_action.setChecked(True)
        self.smooth_action.toggled.connect(self._set_smooth)
        tip = "Compare the first step with the newest: drag the line between them"
        self.wipe_action = self._action("Before/after", "compare", "Ctrl+Shift+A", tip, checkable=True)
        self.wipe_action.toggled.connect(self._set_wipe)
        tip = "Keep this picture here, beside the ones that are shown next"
        self.pin_action = self._action("Compare", "pin_outline", "Ctrl+Shift+C", tip, checkable=True)
        self.pin_action.toggled.connect(self._set_pin)
        self.all_action = self._action("Show all", "grid", "Ctrl+G")
        self.all_action.triggered.connect(lambda: self.view.set_solo(-1))
        self.copy_action = self._action("Copy picture", "content_copy", "Ctrl+Shift+X")
        self.copy_action.triggered.connect(self.copy)
        self.play_action = self._action("Play steps", "play", "Ctrl+Space")
        self.play_action.triggered.connect(self.play)

    def _action(self, text: str, glyph: str, keys: str, tip: str | None = None, checkable: bool = False) -> QAction:
        return make_action(self, text, glyph, keys, tip, checkable)

    @property
    def actions_shown(self) -> list[QAction]:
        """Everything that can be done here, for the menu."""
        return [
            self.fit_action,
            self.one_action,
            self.in_action,
            self.out_action,
            self.smooth_action,
            self.wipe_action,
            self.pin_action,
            self.all_action,
            self.copy_action,
            self.play_action,
        ]

    def _make_bar(self) -> QToolBar:
        bar = QToolBar()
        fill_bar(bar, self.actions_shown[:-1])
        for action in (self.smooth_action, self.all_action):
            bar.insertSeparator(action)
        self._zoom_label = QLabel()
        self._zoom_label.setMargin(6)
        bar.addWidget(self._zoom_label)
        return bar

    def _make_slider(self) -> None:
        self._strip = QWidget()
        self.play_button = QToolButton(autoRaise=True)
        self.play_button.setDefaultAction(self.play_action)
        self.play_button.setAccessibleName("Play steps")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Step")
        self.slider.setToolTip("Go back through the kept steps of this run")
        self.slider.valueChanged.connect(self._slider_moved)
        self._step_label = QLabel()
        self._step_label.setMinimumWidth(self.fontMetrics().horizontalAdvance("step 5000 of 5000"))
        row = QHBoxLayout(self._strip)
        row.setContentsMargins(8, 2, 8, 4)
        row.addWidget(self.play_button)
        row.addWidget(self.slider, 1)
        row.addWidget(self._step_label)
        self._player = QTimer(self, interval=_PLAY_INTERVAL)
        self._player.timeout.connect(self._play_on)

    # What is shown

    def show_tracks(self, tracks: Sequence[Track]) -> None:
        """Show these pictures, and `refresh` them from now on."""
        self.tracks = list(tracks)[:MOST_TILES]
        self._player.stop()
        self._steps = []
        self.slider.setValue(self.slider.maximum())
        self._pages.setCurrentIndex(1)
        self.refresh()
        self.selection_changed.emit()

    def show_message(self, text: str) -> None:
        """Show a message in the pictures' place."""
        self.tracks = []
        self.welcome.show_message(text)
        self._pages.setCurrentIndex(0)
        self.selection_changed.emit()

    @Slot(str)
    def show_reason(self, text: str) -> None:
        """Show why nothing can be rendered, unless there are pictures."""
        if not self.tracks:
            self.show_message(text)

    def greet(self, ready: bool) -> None:
        """Show the welcome, as long as nothing has been rendered."""
        self.welcome.greet(ready)
        self._pages.setCurrentIndex(0)

    def refresh(self) -> None:
        """Show what is new in the tracks."""
        newest = self.slider.value() == self.slider.maximum()
        steps = max((track.frames.steps for track in self.shown()), key=len, default=[])
        if steps != self._steps:
            self._steps = steps
            self.slider.blockSignals(True)
            self.slider.setMaximum(max(0, len(steps) - 1))
            if newest:
                self.slider.setValue(self.slider.maximum())
            self.slider.blockSignals(False)
        self._draw()

    def shown(self) -> list[Track]:
        """The tracks that have a tile: the pinned one, and those that were asked for."""
        if self._pinned is None:
            return self.tracks
        return [self._pinned, *(track for track in self.tracks if track is not self._pinned)]

    def selected(self) -> list[Track]:
        """The track that is shown alone, or all."""
        shown = self.shown()
        return [shown[self.view.solo]] if 0 <= self.view.solo < len(shown) else shown

    @property
    def step(self) -> int | None:
        """The step that is shown; None for the newest."""
        at = self.slider.value()
        return None if at >= self.slider.maximum() or at >= len(self._steps) else self._steps[at]

    def _draw(self) -> None:
        step = self.step
        tiles = []
        for track in self.shown():
            image = track.frames.newest if step is None else track.frames.at(step)
            tile = Tile(caption(track, step), track_color(track), note=note(track))
            if image is not None:
                tile.image = to_image(image)
            if self.view.wiping and (first := track.frames.at(0)) is not None:
                tile.before = to_image(first)
            tiles.append(tile)
        self.view.set_tiles(tiles)
        last = self._steps[-1] if self._steps else 0
        self._step_label.setText(f"step {step} of {last}" if step is not None else f"step {last}")
        self._strip.setEnabled(len(self._steps) > 1)

    # What can be done

    def play(self) -> None:
        """Play the kept steps from the start, or stop playing."""
        if self._player.isActive():
            self._player.stop()
            return
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._player.start()

    def _play_on(self) -> None:
        self.slider.setValue(self.slider.value() + 1)
        if self.slider.value() >= self.slider.maximum():
            self._player.stop()

    def copy(self) -> None:
        """Put the picture that is shown alone on the clipboard, else the first."""
        image = self._current_image()
        if image is not None:
            QGuiApplication.clipboard().setImage(image)

    def _current_image(self) -> QImage | None:
        tiles = self.view.tiles
        at = self.view.solo if self.view.solo >= 0 else self.view.current
        return tiles[at].image if 0 <= at < len(tiles) else None

    def _slider_moved(self) -> None:
        self._draw()

    def _set_smooth(self, smooth: bool) -> None:
        self.view.smooth = smooth
        self.view.update()

    def _set_wipe(self, wiping: bool) -> None:
        self.view.wiping = wiping
        self._draw()

    def _set_pin(self, pin: bool) -> None:
        selected = self.selected()
        if self._pinned is not None:
            self._pinned.compared = False
        self._pinned = selected[0] if pin and selected else None
        if self._pinned is not None:
            self._pinned.compared = True
        self.view.set_solo(-1)
        if pin and self._pinned is None:
            self.pin_action.setChecked(False)
        self.refresh()
        self.compared.emit(self.shown())

    def _show_zoom(self, zoom: float | None) -> None:
        self._zoom_label.setText("fit" if zoom is None else f"{zoom:.0%}")

    def _drag_out(self, tile: int) -> None:
        """Drag a picture to another program: as a picture, and as a file if it has one."""
        image = self.view.tiles[tile].image
        if image is None:
            return
        data = QMimeData()
        data.setImageData(image)
        path = self.shown()[tile].path
        if path is not None:
            data.setUrls([QUrl.fromLocalFile(str(path))])
        drag = QDrag(self.view)
        drag.setMimeData(data)
        small = QPixmap.fromImage(image).scaled(
            _DRAG_SIZE, _DRAG_SIZE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        drag.setPixmap(small)
        drag.setHotSpot(QPointF(small.width() / 2, small.height() / 2).toPoint())
        drag.exec(Qt.DropAction.CopyAction)
