"""Timelines are made here, and shown as a table, as JSON, as CSV, as a page and as an animation. Takes torch along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from PIL import Image

from clipdesk.activations.comparing.timeline import Moment, timeline
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.surveying import SurveyProgress
from clipdesk.cli.asked import unit_of
from clipdesk.cli.bars import SurveyBar, counting
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say, say_json, say_path
from clipdesk.cli.surveying import look_at
from clipdesk.cli.terminal import interruptible, show
from clipdesk.errors import one_line
from clipdesk.export.animation import save_animation
from clipdesk.export.answers_json import plain
from clipdesk.export.comparison_parts import last_pictures, pooled_target
from clipdesk.export.files import write_bytes
from clipdesk.export.timeline import timeline_as_csv, timeline_as_json, timeline_page
from clipdesk.models.names import ModelName
from clipdesk.network.layer_names import short_layer
from clipdesk.network.opened import OpenModel
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings

_FRAME_MS, _HOLD_MS = 400, 1500


@dataclass(frozen=True)
class Timing:
    """A timeline as a person asks for it; the attributes are the options of ``clipdesk timeline``."""

    names: Sequence[ModelName]
    unit: str
    images: str
    pooling: Pooling
    device: str | None
    as_json: bool

    def run(self, table: Path | None, page: Path | None, animation: Path | None) -> None:
        """Make it, show it and write it.

        Raises:
            ClipDeskError: as `timeline` and `render`; or a file cannot be written.
            click.Abort: it was interrupted; what was found is kept, and gone on with.
        """
        given, unit = unit_of(self.unit)
        layer = self._opened(0).inspector.visualizable(given).name
        name = f"{short_layer(layer)}:{unit}"
        moments = self._moments(layer, unit)
        if self.as_json:
            say_json(timeline_as_json(name, self.images, moments))
        else:
            self._show(name, moments)
        if table is not None:
            self._write(table, timeline_as_csv(moments))
        if page is None and animation is None:
            return
        pictures = self._pictures(layer, unit)
        if page is not None:
            self._write(page, timeline_page(name, self.images, moments, pictures))
        if animation is not None:
            frames = [np.asarray(each.convert("RGB")) for each in pictures]
            save_animation(frames, animation, frame_ms=_FRAME_MS, hold_ms=_HOLD_MS)
            self._say(animation)

    def _opened(self, at: int) -> OpenModel:
        return open_with_bar(self.names[at], self.device or "auto")

    def _moments(self, layer: str, unit: int) -> list[Moment]:
        images = look_at(self.images)
        with interruptible() as interrupted, SurveyBar(len(images.pictures), images.name) as bar:

            def progress(how_far: SurveyProgress) -> None:
                bar.update(how_far)
                if interrupted():
                    raise click.Abort

            return timeline(self._opened, len(self.names), images, layer, unit, self.pooling, progress)

    def _pictures(self, layer: str, unit: int) -> list[Image.Image]:
        pictures = []
        with counting("Steps") as progress:
            for at in range(len(self.names)):
                opened = self._opened(at)
                settings = make_settings(device=opened.device.type)
                target = pooled_target(opened, layer, unit, self.pooling)
                before, total = at * settings.iterations, len(self.names) * settings.iterations
                frames = render(opened.network, [target], settings, inspector=opened.inspector)
                pictures += last_pictures(frames, partial(_tell, progress, before, total))
        return pictures

    def _show(self, name: str, moments: Sequence[Moment]) -> None:
        rows = [
            {key: value if isinstance(value, str) else plain(round(value, 4)) for key, value in asdict(each).items()}
            for each in moments
        ]
        title = f"{one_line(name)} over {len(moments)} checkpoints"
        show(rows, key=("model", "from_first"), title=title, as_json=False, optional=("deviation", "most", "mean"))

    def _write(self, path: Path, data: bytes) -> None:
        write_bytes(path, data)
        self._say(path)

    def _say(self, path: Path) -> None:
        if self.as_json:
            say(path, err=True)
        else:
            say_path(path)


def _tell(progress: Callable[[int, int], None], before: int, total: int, step: int) -> None:
    progress(before + step, total)
