"""Comparisons are made here, and shown as a table, as JSON, as CSV and as a page. Takes torch along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal

import click

from clipdesk.activations.comparing.comparison import Comparison, Drifted
from clipdesk.activations.comparing.making import compare
from clipdesk.activations.comparing.results import STRANGERS
from clipdesk.activations.directions import vocabularies_of
from clipdesk.activations.statistics import NONE, Pooling
from clipdesk.activations.surveying import SurveyProgress
from clipdesk.cli.bars import SurveyBar, counting
from clipdesk.cli.opening import open_with_bar, say_remarks
from clipdesk.cli.output import say, say_json, say_path
from clipdesk.cli.surveying import look_at
from clipdesk.cli.terminal import interruptible, show
from clipdesk.errors import one_line
from clipdesk.export.answers_json import plain
from clipdesk.export.comparison_json import Words, comparison_as_csv, comparison_as_json, layer_numbers
from clipdesk.export.comparison_page import ComparedUnits, comparison_page
from clipdesk.export.comparison_parts import photos_of, pictures_of_units, words_of_units
from clipdesk.export.files import write_bytes
from clipdesk.imagesets.sets import ImageSet
from clipdesk.models.names import ModelName
from clipdesk.network.layer_names import short_layer
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings

_OPTIONAL = ("note", "words_b", "words_a", "weights", "density", "top", "moved", "other")


@dataclass(frozen=True)
class Comparing:
    """A comparison as a person asks for it; the attributes are the options of ``clipdesk compare``."""

    names: tuple[ModelName, ModelName]
    images: str
    layers: Sequence[str] | None
    count: int
    sort: Literal["drift", "moved"]
    _: KW_ONLY
    match: bool
    pooling: Pooling
    words: bool
    concepts: str | None
    table: Path | None
    page: Path | None
    rendered: int
    photos: bool
    device: str | None
    as_json: bool

    def run(self) -> None:
        """Make it, show it and write it.

        Raises:
            ClipDeskError: as `compare`, `ModelPool.open` and `open_image_set`; or a file cannot be written.
            click.Abort: it was interrupted; what was found is kept, and gone on with.
        """
        images = look_at(self.images)
        first, second = (open_with_bar(name, self.device or "auto") for name in self.names)
        for opened in (first, second):
            say_remarks(opened)
        found = self._compared(first, second, images)
        units = found.drifted(self.count, sort=self.sort)
        words = self._words(found, units, first, second) if self.words or self.page else {}
        if self.as_json:
            say_json(comparison_as_json(found, units, words))
        else:
            self._show(found, units, words)
        for note in found.notes:
            say(f"Note: {note}", err=True)
        if STRANGERS in found.notes:
            say("With --match, each unit is compared with the one that it correlates with most.", err=True)
        if self.table is not None:
            self._write(self.table, comparison_as_csv(found))
        if self.page is not None:
            self._write(self.page, self._page(found, units, words, (first, second), images))

    def _compared(self, first: OpenModel, second: OpenModel, images: ImageSet) -> Comparison:
        with interruptible() as interrupted, SurveyBar(len(images.pictures), images.name) as bar:

            def progress(how_far: SurveyProgress) -> None:
                bar.update(how_far)
                if interrupted():
                    raise click.Abort

            return compare(
                first,
                second,
                images,
                layers=self.layers,
                pooling=self.pooling,
                match=self.match,
                progress=progress,
            )

    def _words(self, found: Comparison, units: Sequence[Drifted], first: OpenModel, second: OpenModel) -> Words:
        with counting("Texts") as progress:
            left, right = vocabularies_of((first, second), self.concepts, progress=progress)
        return words_of_units(found, units, left, right)

    def _page(
        self,
        found: Comparison,
        units: Sequence[Drifted],
        words: Words,
        models: tuple[OpenModel, OpenModel],
        images: ImageSet,
    ) -> bytes:
        settings = make_settings(device=models[0].device.type)
        with counting("Steps") as progress:
            rendered = pictures_of_units(found, units[: self.rendered], *models, settings, progress)
        photo = photos_of(images, found, photos=self.photos)
        return comparison_page(found, ComparedUnits(units, words, rendered, photo))

    def _show(self, found: Comparison, units: Sequence[Drifted], words: Words) -> None:
        layers = [layer_numbers(found, each) for each in found.layers]
        for numbers, each in zip(layers, found.layers, strict=True):
            partners = f", {numbers['alone']:,} without a partner" if "alone" in numbers else ""
            say(
                f"{each.pair.short}: CKA {_said(numbers['cka'])}, median drift {_said(numbers['median_drift'])}, "
                f"{numbers['changed']:,} of {numbers['units']:,} units changed{partners}",
                err=True,
            )
        rows = [_row(each, words) for each in units]
        title = f"Units that differ most between {one_line(found.first.model)} and {one_line(found.second.model)}"
        show(rows, key=("unit", self.sort), title=title, as_json=False, optional=_OPTIONAL)

    def _write(self, path: Path, data: bytes) -> None:
        write_bytes(path, data)
        if self.as_json:
            say(path, err=True)
        else:
            say_path(path)


def _row(each: Drifted, words: Words) -> dict[str, object]:
    sides = words.get((each.layer.first, each.unit), ((), ()))
    said = [", ".join(label.concept for label in labels if not label.weak) for labels in sides]
    same = each.layer.first == each.layer.second and each.unit == each.other
    other = "" if same or each.other == NONE else f"{short_layer(each.layer.second)}:{each.other}"
    numbers = {name: plain(round(getattr(each, name), 4)) for name in ("drift", "moved", "weights", "density", "top")}
    unit = f"{short_layer(each.layer.first)}:{each.unit}"
    return {"unit": unit, "other": other, **numbers, "words_a": said[0], "words_b": said[1], "note": each.note}


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
