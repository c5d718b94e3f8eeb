"""Pictures of units in both models, kept in the folder of their comparison. Takes torch along."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage

from clipdesk.activations.comparing.comparison import Comparison, Drifted
from clipdesk.activations.statistics import NONE
from clipdesk.errors import ClipDeskError
from clipdesk.export.comparison_parts import differences_of_units, pairs_of_units
from clipdesk.export.files import write_bytes
from clipdesk.gui.images import packed
from clipdesk.gui.surveys.open_survey import to_qt
from clipdesk.gui.wall.source import Picture
from clipdesk.network.opened import OpenModel
from clipdesk.render.settings import RenderSettings

log = logging.getLogger(__name__)

_FOLDER, _SIDE = "pictures", 160
_AB, _DIFFERENCE = "ab", "difference"
Models = tuple[OpenModel, OpenModel]


class Triple(NamedTuple):
    """A unit in A, in B, and what excites B's and not A's; None for what is not rendered yet."""

    first: QImage
    second: QImage
    difference: QImage | None


class Pairs:
    """Renders pictures, and keeps them, so that they are there at once the next time.

    Args:
        folder: Of the comparison.
        found: The comparison.
    """

    def __init__(self, folder: Path, found: Comparison) -> None:
        self._folder, self._found = folder / _FOLDER, found

    def kept_tile(self, each: Drifted, settings: RenderSettings) -> Picture | None:
        """The pictures in A and in B beside each other, if they were rendered with these settings; else None."""
        path = self._path(each, settings, _AB)
        image = QImage(str(path))
        return None if image.isNull() else _tile(image, path)

    def kept(self, each: Drifted, settings: RenderSettings) -> Triple | None:
        """A unit's pictures, if they were rendered with these settings; else None."""
        both = QImage(str(self._path(each, settings, _AB)))
        if both.isNull():
            return None
        difference = QImage(str(self._path(each, settings, _DIFFERENCE)))
        return Triple(*_halves(both), None if difference.isNull() else difference)

    def render_tiles(
        self,
        units: Sequence[Drifted],
        settings: RenderSettings,
        models: Models,
        progress: Callable[[int, int], None],
    ) -> list[Picture | None]:
        """Render units in A and in B, side by side, and keep the pictures; None for units without a counterpart.

        Raises:
            RenderError: out of memory, or an activation that is not a number.
        """
        known = [each for each in units if each.other != NONE]
        pairs = pairs_of_units(self._found, known, *models, settings, progress) if known else []
        tiles: dict[int, Picture] = {}
        for each, pair in zip(known, pairs, strict=True):
            beside = _beside(*pair)
            path = self._path(each, settings, _AB)
            tiles[id(each)] = _tile(to_qt(beside), path if _keep(beside, path) else None)
        return [tiles.get(id(each)) for each in units]

    def render(
        self, each: Drifted, settings: RenderSettings, models: Models, progress: Callable[[int, int], None]
    ) -> Triple:
        """Render what is not kept of a unit that has a counterpart, and keep it.

        Raises:
            RenderError: out of memory, or an activation that is not a number.
        """
        kept, total = self.kept(each, settings), 3 * settings.iterations
        if kept is None:
            pairs = pairs_of_units(self._found, [each], *models, settings, lambda done, _: progress(done, total))
            beside = _beside(*pairs[0])
            _keep(beside, self._path(each, settings, _AB))
            kept = Triple(*_halves(to_qt(beside)), None)
        if kept.difference is None:
            before = total - settings.iterations
            (difference,) = differences_of_units(
                self._found, [each], *models, settings, lambda step: progress(before + step, total)
            )
            _keep(difference, self._path(each, settings, _DIFFERENCE))
            kept = kept._replace(difference=to_qt(difference))
        return kept

    def _path(self, each: Drifted, settings: RenderSettings, kind: str) -> Path:
        known = [each.layer.first, each.unit, each.layer.second, each.other, settings.model_dump(mode="json")]
        digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:24]
        return self._folder / f"{digest}-{kind}.png"


def _beside(first: Image.Image, second: Image.Image) -> Image.Image:
    """Two pictures beside each other; the smaller one is enlarged."""
    side = max(first.height, second.height)
    both = Image.new("RGB", (2 * side, side))
    for at, picture in enumerate((first, second)):
        fitted = picture if picture.height == side else picture.resize((side, side), Image.Resampling.LANCZOS)
        both.paste(fitted.convert("RGB"), (at * side, 0))
    return both


def _halves(both: QImage) -> tuple[QImage, QImage]:
    side = both.height()
    return both.copy(QRect(0, 0, side, side)), both.copy(QRect(side, 0, side, side))


def _tile(both: QImage, path: Path | None) -> Picture:
    if both.height() > _SIDE:
        both = both.scaledToHeight(_SIDE, Qt.TransformationMode.SmoothTransformation)
    return Picture(packed(both), path=path)


def _keep(picture: Image.Image, path: Path) -> bool:
    """Write a picture; False where that cannot be, as in a folder that may only be read."""
    data = io.BytesIO()
    picture.save(data, "png")
    try:
        with suppress(FileExistsError):
            path.parent.mkdir()
        write_bytes(path, data.getvalue())
    except (ClipDeskError, OSError) as error:
        log.warning("a picture of a comparison cannot be kept: %s", error)
        return False
    return True
