"""Mosaics: images of neighbouring tiles at a few sizes, made on a thread of their own, from which each frame is drawn.

A frame is a hundred draws at most, however many tiles are seen, and none of them waits for a picture to be decoded.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, Signal, Slot
from PySide6.QtGui import QImage, QPainter

from clipdesk.gui.background import Background
from clipdesk.gui.wall.camera import Camera, Stage
from clipdesk.gui.wall.source import Hanging
from clipdesk.gui.wall.tiles import SMALL, Tiles

LEVELS = (8, 16, 32, 64, 128, 256, 512)
"""Sides of a cell in mosaics, in pixels of the screen. Each is shown at its size down to half of it."""
_SIDE = 256
BYTES = 128 * 2**20
"""What mosaics may take in memory: those of a screen of 3,840 x 2,160 pixels and its surroundings."""
_PATIENCE = 0.1
"""Seconds after which an unfinished mosaic is shown."""


class Key(NamedTuple):
    """A mosaic.

    Attributes:
        level: Side of its cells.
        column: Which it is, from the left.
        row: Which it is, from the top.
    """

    level: int
    column: int
    row: int


class Mosaic(NamedTuple):
    """An image of neighbouring tiles.

    Attributes:
        image: It.
        edits: How often pictures had changed when it was begun.
        whole: Whether all of its tiles are drawn.
    """

    image: QImage
    edits: int
    whole: bool


def across(level: int) -> int:
    """How many cells a row of a mosaic has."""
    return max(1, _SIDE // level)


def level_of(side: float) -> int:
    """The level from which cells of a side are drawn, in pixels of the screen."""
    return next((level for level in LEVELS if level >= side), LEVELS[-1])


def inner(level: int) -> QRect:
    """The part of a cell that its tile takes; the rest keeps it apart from its neighbours."""
    gap = {8: 1, 16: 1, 32: 2, 64: 4, 128: 6, 256: 8}.get(level, 12)
    return QRect(gap // 2, gap // 2, level - gap, level - gap)


class MosaicMaker(Background):
    """Makes the mosaics that are wanted most.

    Signals:
        made: A `Hanging` that it is of, its `Key`, and the `Mosaic`.
    """

    made = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._hanging: Hanging | None = None
        self._tiles: Tiles | None = None
        self._wanted: list[Key] = []
        self._begun: set[Key] = set()
        self._making: Key | None = None
        self._busy = False
        self._edits = 0
        self.may_work = threading.Event()
        """Cleared while a frame is drawn: each call of Qt's lets the other thread in, and waits to get back."""
        self.may_work.set()

    def hang(self, hanging: Hanging | None, tiles: Tiles) -> None:
        """Make mosaics of this from now on."""
        with self._lock:
            self._hanging, self._tiles = hanging, tiles
            self._wanted, self._begun, self._making = [], set(), None

    def change(self, edits: int) -> None:
        """Hear how often pictures have changed."""
        with self._lock:
            self._edits = edits

    def want(self, keys: Sequence[Key]) -> None:
        """Make these, the first one first, and nothing else that was wanted before."""
        with self._lock:
            self._wanted = [key for key in keys if key != self._making]
            if self._making not in keys:
                self._making = None
            start = bool(self._wanted) and not self._busy
            self._busy = self._busy or start
        if start:
            self.start(self._work)

    def close(self, timeout_ms: int = 5_000) -> bool:
        """Stop, and wait for the tile that is being decoded; False if it is stuck."""
        with self._lock:
            self._wanted, self._hanging, self._making = [], None, None
        return self.wait(timeout_ms)

    def _work(self) -> None:
        try:
            while (task := self._next()) is not None:
                self._make(task)
        finally:
            with self._lock:
                self._busy = False

    def _next(self) -> _Task | None:
        with self._lock:
            self._making = None
            if self._hanging is None or self._tiles is None or not self._wanted:
                self._busy = False
                return None
            # A quick look at all of them comes first.
            quick = next((key for key in self._wanted if key not in self._begun), None)
            key = quick or self._wanted.pop(0)
            self._making = None if quick else key
            self._begun.add(key)
            return _Task(self._hanging, self._tiles, key, self._edits, quick is not None)

    def _make(self, task: _Task) -> None:
        image, left = bare(task.hanging, task.tiles, task.key)
        if task.quick or not left:
            with self._lock:
                if not left and task.key in self._wanted:
                    self._wanted.remove(task.key)
            self._say(task, image, whole=not left)
            return
        shown = time.monotonic()
        for unit, cell in left:
            self.may_work.wait(_PATIENCE)
            with self._lock:
                if self._hanging is not task.hanging or self._making != task.key:
                    return
            painter = QPainter(image)
            task.tiles.draw(painter, cell, task.hanging.kind, unit, task.hanging.empty)
            painter.end()
            if time.monotonic() - shown > _PATIENCE:
                self._say(task, image.copy(), whole=False)
                shown = time.monotonic()
        self._say(task, image, whole=True)

    def _say(self, task: _Task, image: QImage, *, whole: bool) -> None:
        self.made.emit(task.hanging, task.key, Mosaic(image, task.edits, whole))


class _Task(NamedTuple):
    """A mosaic to make; a quick one without anything that has to be decoded."""

    hanging: Hanging
    tiles: Tiles
    key: Key
    edits: int
    quick: bool


def bare(hanging: Hanging, tiles: Tiles, key: Key) -> tuple[QImage, list[tuple[int, QRect]]]:
    """A mosaic in which tiles are empty that have to be decoded, and these: each with its unit and its place."""
    side = across(key.level) * key.level
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(hanging.background)
    left = []
    painter = QPainter(image)
    for unit, cell in _cells(hanging, key):
        if cell.width() <= SMALL and tiles.is_ready(hanging.kind, unit):
            tiles.draw(painter, cell, hanging.kind, unit, hanging.empty)
        else:
            painter.fillRect(cell, hanging.empty)
            left.append((unit, cell))
    painter.end()
    return image, left


def _cells(hanging: Hanging, key: Key) -> Iterator[tuple[int, QRect]]:
    """The units of a mosaic, each with its place there."""
    count, tile = across(key.level), inner(key.level)
    for row in range(count):
        for column in range(count):
            at_column = key.column * count + column
            place = (key.row * count + row) * hanging.columns + at_column
            if at_column < hanging.columns and place < len(hanging.order):
                yield hanging.order[place], tile.translated(column * key.level, row * key.level)


class Mosaics(QObject):
    """The mosaics that are in memory, and how the wall is drawn from them.

    Signals:
        changed: There is something new to draw.
        failed: A `Problem`.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._maker = MosaicMaker(self)
        self._maker.made.connect(self._keep)
        self._maker.failed.connect(self.failed)
        self._hanging: Hanging | None = None
        self._kept: OrderedDict[Key, Mosaic] = OrderedDict()
        self._edits = 0
        self._edited: dict[Key, int] = {}
        self._asked: list[Key] = []
        self._needed = 0
        self.bytes = 0
        self.close = self._maker.close

    def hang(self, hanging: Hanging | None, tiles: Tiles) -> None:
        """Draw this from now on."""
        self._hanging = hanging
        self._kept.clear()
        self._edited.clear()
        self._asked, self.bytes = [], 0
        self._maker.hang(hanging, tiles)

    def change(self, places: Iterable[int]) -> None:
        """Hear that the tiles in these places show something else now."""
        if self._hanging is None:
            return
        self._edits += 1
        self._maker.change(self._edits)
        columns = self._hanging.columns
        for place in places:
            for level in LEVELS:
                count = across(level)
                self._edited[Key(level, place % columns // count, place // columns // count)] = self._edits
        self._asked = []
        self.changed.emit()

    def paint(self, painter: QPainter, camera: Camera, stage: Stage, ratio: float) -> bool:
        """Draw the wall as far as it is made, and ask for what is missing.

        Args:
            painter: Draws on the view.
            camera: Where the wall is looked at from.
            stage: The wall and the view.
            ratio: Pixels of the screen in one of the view's.

        Returns:
            Whether all that is seen is as it should be.
        """
        self._maker.may_work.clear()
        try:
            return self._paint(painter, camera, stage, ratio)
        finally:
            self._maker.may_work.set()

    def _paint(self, painter: QPainter, camera: Camera, stage: Stage, ratio: float) -> bool:
        level, scene = level_of(camera.side * ratio), _Scene(camera, stage, ratio)
        missing, seen = [], _seen(level, camera, stage)
        for key in seen:
            mosaic = self._kept.get(key)
            if mosaic is not None:
                self._kept.move_to_end(key)
                _draw(painter, mosaic.image, key, key, scene)
            else:
                self._draw_coarser(painter, key, scene)
            if mosaic is None or not self._is_fresh(key, mosaic):
                missing.append(key)
        # Last, what is needed to see the whole wall, so that it is there as soon as it is zoomed out.
        whole = Camera.of_all(stage)
        overview = _seen(level_of(whole.side * ratio), whole, stage)
        missing_there = [key for key in overview if key not in self._kept or not self._is_fresh(key, self._kept[key])]
        self._needed = len(seen) + len(overview)
        self._ask(missing + missing_there)
        return not missing

    def _is_fresh(self, key: Key, mosaic: Mosaic) -> bool:
        return mosaic.whole and mosaic.edits >= self._edited.get(key, 0)

    def _ask(self, keys: list[Key]) -> None:
        keys = list(dict.fromkeys(keys))
        if keys != self._asked:
            self._asked = keys
            self._maker.want(keys)

    def _draw_coarser(self, painter: QPainter, key: Key, scene: _Scene) -> None:
        """Draw the part of a smaller mosaic that shows the same tiles, if there is one."""
        for level in reversed(LEVELS[: LEVELS.index(key.level)]):
            cells, larger = across(key.level), across(level)
            around = Key(level, key.column * cells // larger, key.row * cells // larger)
            if around in self._kept:
                _draw(painter, self._kept[around].image, around, key, scene)
                return

    @Slot(object, object, object)
    def _keep(self, hanging: Hanging, key: Key, mosaic: Mosaic) -> None:
        if hanging is not self._hanging:
            return
        before = self._kept.get(key)
        if before is not None and not mosaic.whole and before.whole:
            # All of its tiles, one of them an older picture, are better than some.
            return
        self.bytes += mosaic.image.sizeInBytes() - (0 if before is None else before.image.sizeInBytes())
        self._kept[key] = mosaic
        self._kept.move_to_end(key)
        while self.bytes > BYTES and len(self._kept) > self._needed:
            self.bytes -= self._kept.popitem(last=False)[1].image.sizeInBytes()
        if mosaic.whole and key in self._asked:
            # It is asked for again if it was made from older pictures.
            self._asked.remove(key)
        self.changed.emit()


def _seen(level: int, camera: Camera, stage: Stage) -> list[Key]:
    """The mosaics of a level that are seen, from the middle outwards."""
    count = across(level)
    left, top = camera.cell_at(0, 0, stage)
    right, bottom = camera.cell_at(stage.width, stage.height, stage)
    columns = range(int(max(0, left)) // count, int(min(right, stage.columns - 1)) // count + 1)
    rows = range(int(max(0, top)) // count, int(min(bottom, stage.rows - 1)) // count + 1)
    middle = camera.x / count - 0.5, camera.y / count - 0.5
    keys = [Key(level, column, row) for row in rows for column in columns]
    return sorted(keys, key=lambda key: (key.column - middle[0]) ** 2 + (key.row - middle[1]) ** 2)


class _Scene(NamedTuple):
    """What is looked at, from where, and how many pixels of the screen one of the view's has."""

    camera: Camera
    stage: Stage
    ratio: float

    def point_of(self, column: int, row: int) -> QPointF:
        """Where a corner of a cell is seen, on a whole pixel, so that no line is left between two mosaics."""
        x, y = self.camera.point_of(column, row, self.stage)
        return QPointF(round(x * self.ratio) / self.ratio, round(y * self.ratio) / self.ratio)


def _draw(painter: QPainter, image: QImage, own: Key, part: Key, scene: _Scene) -> None:
    """Draw the part of a mosaic that shows the tiles of another one, which is the same or a larger one."""
    cells, level = across(part.level), own.level
    column, row = part.column * cells, part.row * cells
    place = QRectF(scene.point_of(column, row), scene.point_of(column + cells, row + cells))
    left, top = column - own.column * across(level), row - own.row * across(level)
    painter.drawImage(place, image, QRectF(left * level, top * level, cells * level, cells * level))
