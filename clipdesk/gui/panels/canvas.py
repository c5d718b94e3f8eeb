"""The canvas: pictures as they form, with the steps that led to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDrag, QGuiApplication, QImage, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedLayout,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.captions import caption, note
from clipdesk.gui.colors import track_color
from clipdesk.gui.differences import KEPT, OTHER, captions, labels_of
from clipdesk.gui.images import to_image
from clipdesk.gui.panels.picture_view import PictureView, Tile
from clipdesk.gui.panels.short_label import ShortLabel
from clipdesk.gui.panels.sliders import Slider
from clipdesk.gui.panels.step_strip import StepStrip
from clipdesk.gui.panels.thorough_bar import ThoroughBar
from clipdesk.gui.panels.welcome import Welcome
from clipdesk.gui.plain import plain_label, plain_tip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.tracks import Track

MOST_TILES = 64
_DRAG_SIZE = 96
_WIPE_TICKS = 1000


class Canvas(QWidget):
    """Tracks side by side, a tool bar over them and a slider through their kept frames below.

    Signals:
        selection_changed: Another picture is shown alone, or all are.
        let_go: The user looks at all pictures at their newest step again, after one alone or at an earlier one.
        step_shown: The step that is shown, told again whenever there may be another; 0 if there is none.
        hovered: The `Track` under the mouse, or None.
        said: A line for the status bar.
        compared: The list of `Track` shown from now on: one was kept for comparison, or is not any more.
    """

    selection_changed = Signal()
    let_go = Signal()
    step_shown = Signal(int)
    hovered = Signal(object)
    said = Signal(str)
    compared = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.view = PictureView()
        self.welcome = Welcome()
        self.tracks: list[Track] = []
        self._pinned: Track | None = None
        self.strip = StepStrip()
        self.slider = self.strip.slider
        self.wipe_slider = Slider()
        self.wipe_slider.setAccessibleName("Wipe")
        self.wipe_slider.setToolTip("The line between the two pictures")
        self.wipe_slider.setRange(0, _WIPE_TICKS)
        self.wipe_slider.setValue(_WIPE_TICKS // 2)
        self.wipe_slider.hide()
        self.judgement = ShortLabel(lines=2)
        self.judgement.setAccessibleName("Whether the picture can be trusted")
        self.thorough = ThoroughBar()
        self._judged = QWidget()
        row = QHBoxLayout(self._judged)
        row.setContentsMargins(6, 4, 6, 4)
        row.addWidget(self.judgement, 1)
        row.addWidget(self.thorough, 0, Qt.AlignmentFlag.AlignTop)
        self._judged.hide()
        self._make_actions()
        pictures = QWidget()
        column = QVBoxLayout(pictures)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_bar())
        column.addWidget(self.view, 1)
        column.addWidget(self.wipe_slider)
        column.addWidget(self._judged)
        column.addWidget(self.strip)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(pictures)
        self.view.solo_changed.connect(self._solo_moved)
        self.view.hovered.connect(self._hover)
        self.view.wipe_changed.connect(self._show_wipe)
        self.wipe_slider.valueChanged.connect(lambda value: self.view.set_wipe(value / _WIPE_TICKS))
        self.strip.moved.connect(self._step_moved)
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
        tip = "Show transparent pictures on a checkerboard, or all of their pixels as if they were opaque"
        self.alpha_action = self._action("Transparency", "checkerboard", "Ctrl+Shift+T", tip, checkable=True)
        self.alpha_action.setChecked(True)
        self.alpha_action.toggled.connect(self._draw)
        tip = "Lay two pictures over each other and drag the line between them: the kept one, or else the first step"
        self.wipe_action = self._action("Wipe", "compare", "Ctrl+Shift+A", tip, checkable=True)
        self.wipe_action.toggled.connect(self._set_wipe)
        tip = "Keep this picture in sight: others that are shown alone stand beside it"
        self.pin_action = self._action("Compare", "pin_outline", "Ctrl+Shift+C", tip, checkable=True)
        self.pin_action.toggled.connect(self._set_pin)
        self.all_action = self._action("Show all", "grid", "Ctrl+G")
        self.all_action.triggered.connect(lambda: self.view.set_solo(-1))
        self.copy_action = self._action("Copy picture", "content_copy", "Ctrl+Shift+X")
        self.copy_action.triggered.connect(self.copy)

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
            self.alpha_action,
            self.wipe_action,
            self.pin_action,
            self.all_action,
            self.copy_action,
            self.strip.play_action,
        ]

    def _make_bar(self) -> QToolBar:
        bar = QToolBar()
        fill_bar(bar, self.actions_shown[:-1])
        for action in (self.smooth_action, self.all_action):
            bar.insertSeparator(action)
        self._zoom_label = plain_label()
        self._zoom_label.setMargin(6)
        bar.addWidget(self._zoom_label)
        return bar

    # What is shown

    def show_tracks(self, tracks: Sequence[Track]) -> None:
        """Show these pictures, and `refresh` them from now on."""
        if self.chosen not in tracks:
            # A kept one that is shown alone would hide them.
            self.view.solo = -1
        self.tracks = list(tracks)[:MOST_TILES]
        self.strip.begin()
        self._pages.setCurrentIndex(1)
        self.refresh()
        self.selection_changed.emit()

    def show_message(self, text: str) -> None:
        """Show a message in the pictures' place."""
        self.tracks = []
        self.view.set_tiles([])
        self.strip.begin()
        self.welcome.show_message(text)
        self._pages.setCurrentIndex(0)
        self.selection_changed.emit()

    @Slot(str)
    def show_reason(self, text: str) -> None:
        """Show why nothing can be rendered, unless there are pictures."""
        if not self.tracks:
            self.show_message(text)

    def greet(self, ready: bool, model: str = "") -> None:
        """Show the welcome, as long as nothing has been rendered, to who has opened the model of this name."""
        self.welcome.greet(ready, model)
        self._pages.setCurrentIndex(0)

    def refresh(self) -> None:
        """Show what is new in the tracks."""
        self.strip.show_steps(max((track.frames.steps for track in self.shown()), key=len, default=[]))
        self.step_shown.emit(self.step or self.strip.last)
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

    def visible(self) -> list[Track]:
        """The tracks whose tiles are in sight."""
        shown = self.shown()
        return [shown[i] for i in self.view.visible_tiles() if i < len(shown)]

    @property
    def current(self) -> Track | None:
        """The picture that is copied and saved: the one that is shown alone, or the framed one of all."""
        shown, view = self.shown(), self.view
        at = view.solo if view.solo >= 0 else view.current
        return shown[at] if at < len(shown) else None

    @property
    def chosen(self) -> Track | None:
        """The picture that the user has chosen to look at, alone or at an earlier step; None at all newest ones."""
        if self.view.solo >= 0:
            return self.selected()[0]
        return self.tracks[0] if self.tracks and self.step is not None else None

    @property
    def step(self) -> int | None:
        """The step that is shown; None for the newest."""
        return self.strip.step

    def _draw(self) -> None:
        tracks = self.shown()
        labels = self._labels(tracks)
        self.view.set_tiles([self._tile(track, label, self.step) for track, label in zip(tracks, labels, strict=True)])

    def _labels(self, tracks: Sequence[Track]) -> list[str]:
        labels, alone = labels_of(tracks), self.view.solo
        other = max(alone, 1) if self._pinned is not None and (alone > 0 or len(tracks) == 2) else 0
        if other:
            first, second = captions([tracks[0], tracks[other]])
            labels[0], labels[other] = f"{KEPT}{first}", f"{OTHER}{second}"
        labels = [caption(label, track, self.step) for label, track in zip(labels, tracks, strict=True)]
        if other and self.view.wiping:
            # Both are in one tile.
            labels[other] = f"{labels[0]}\n{labels[other]}"
        return labels

    def _tile(self, track: Track, label: str, step: int | None) -> Tile:
        before = None
        if self.view.wiping and track is not self._pinned:
            before = track.frames.at(0) if self._pinned is None else _picture(self._pinned, step)
        return Tile(
            track,
            label,
            track_color(track),
            self._image(_picture(track, step)),
            self._image(before),
            kept=track is self._pinned,
            note=note(track),
        )

    def _image(self, pixels: NDArray[np.uint8] | None) -> QImage | None:
        if pixels is None:
            return None
        return to_image(pixels if self.alpha_action.isChecked() else pixels[..., :3])

    def judge(self, words: str, whole: str) -> None:
        """Say below the pictures whether the one that is looked at can be trusted; nothing, if nothing is known.

        Args:
            words: The line.
            whole: All that is known, for its tool tip.
        """
        self.judgement.show_text(words)
        self.judgement.setToolTip(plain_tip(whole, wrap=True))
        for widget in (self._judged, self.judgement):
            widget.setVisible(bool(words))

    # What can be done

    def copy(self) -> None:
        """Put the current picture on the clipboard as it is shown, and say which it was."""
        track = self.current
        image = next((tile.image for tile in self.view.tiles if tile.key is track), None)
        if track is not None and image is not None:
            QGuiApplication.clipboard().setImage(image)
            step = track.earlier(self.step)
            self.said.emit(f"Copied {track.label}" + (f", step {step}" if step is not None else ""))

    def _hover(self, tile: int) -> None:
        shown = self.shown()
        self.hovered.emit(shown[tile] if 0 <= tile < len(shown) else None)

    @Slot(object)
    def highlight(self, track: Track | None) -> None:
        """Make a picture stand out, or none, as one whose curve is under the mouse."""
        self.view.set_highlight(track)

    def _step_moved(self) -> None:
        self.refresh()
        self._tell_let_go()

    def _solo_moved(self) -> None:
        self._draw()
        self.selection_changed.emit()
        self._tell_let_go()

    def _tell_let_go(self) -> None:
        if self.chosen is None:
            self.let_go.emit()

    def _set_smooth(self, smooth: bool) -> None:
        self.view.smooth = smooth
        self.view.update()

    def _set_wipe(self, wiping: bool) -> None:
        self.view.wiping = wiping
        self.wipe_slider.setVisible(wiping)
        first_steps = any(len(track.frames.steps) > 1 for track in self.shown())
        if wiping and self._pinned is None and len(self.tracks) > 1 and not first_steps:
            # Pictures of the gallery have no first step to be laid over them, but they have each other.
            self.pin_action.setChecked(True)
            if len(self.tracks) == 2:
                self.view.set_solo(1)
        self._draw()

    def _show_wipe(self, share: float) -> None:
        self.wipe_slider.blockSignals(True)
        self.wipe_slider.setValue(round(_WIPE_TICKS * share))
        self.wipe_slider.blockSignals(False)

    def _set_pin(self, pin: bool) -> None:
        """Keep the current picture, or let it go; which one is current stays the same."""
        kept = self.current if pin else None
        if self._pinned is not None:
            self._pinned.compared = False
        self._pinned = kept
        if kept is None:
            self.pin_action.setChecked(False)
        else:
            kept.compared = True
            self.said.emit(f"Kept {kept.label}: choose another picture to see both, and Wipe to lay one over the other")
        self.refresh()
        self.compared.emit(self.shown())

    def _show_zoom(self, zoom: float | None) -> None:
        self._zoom_label.setText("Zoom: to fit" if zoom is None else f"Zoom: {zoom:.0%}")

    def drag_data(self, tile: int) -> QMimeData | None:
        """What another program gets of a picture: its pixels as they are shown, and its file if that holds the same."""
        image, track = self.view.tiles[tile].image, self.shown()[tile]
        if image is None:
            return None
        data = QMimeData()
        data.setImageData(image)
        # The file holds the finished picture.
        if track.path is not None and track.earlier(self.step) is None:
            data.setUrls([QUrl.fromLocalFile(str(track.path))])
        return data

    def _drag_out(self, tile: int) -> None:
        """Drag a picture to another program."""
        image, data = self.view.tiles[tile].image, self.drag_data(tile)
        if image is None or data is None:
            return
        drag = QDrag(self.view)
        drag.setMimeData(data)
        small = QPixmap.fromImage(image).scaled(
            _DRAG_SIZE, _DRAG_SIZE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        drag.setPixmap(small)
        drag.setHotSpot(QPointF(small.width() / 2, small.height() / 2).toPoint())
        drag.exec(Qt.DropAction.CopyAction)


def _picture(track: Track, step: int | None) -> NDArray[np.uint8] | None:
    """A track's picture at a step; None stands for the newest."""
    return track.frames.newest if step is None else track.frames.at(step)
