"""Composer: makes the pages of a survey's units and layers, for the window and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipdesk.activations.attention import attention_maps, is_of_heads
from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.checking.usual import usual_reader
from clipdesk.activations.contributions import written_by
from clipdesk.activations.questions.heads import SpanWord
from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.overview import overview
from clipdesk.activations.questions.unit import UnitAnswers, unit_answers
from clipdesk.activations.questions.words import Lexicon, words
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.export.answers_json import layer_as_json, unit_as_json
from clipdesk.export.files import write_bytes
from clipdesk.export.layer_page import LayerAnswers, layer_page
from clipdesk.export.previews import Previews
from clipdesk.export.rendered import Rendered, rendered_units
from clipdesk.export.unit_page import HeadAnswers, Origin, RankedPicture, unit_page
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import default_pool
from clipdesk.network.rectifiers import rectifier_of
from clipdesk.render.targets import Unit

Progress = Callable[[int, int], None]
"""Told how many are done, and of how many."""
Counting = Callable[[str], AbstractContextManager[Progress]]
"""Begins to show the progress of what it is told."""

_JSON = ".json"


def _uncounted(_label: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda done, all: None)


@dataclass(frozen=True, eq=False)
class Page:
    """What a page says.

    Attributes:
        as_json: Makes it plain data.
        as_html: Makes it HTML.
    """

    as_json: Callable[[], dict[str, Any]]
    as_html: Callable[[], bytes]

    def save(self, path: Path) -> None:
        """Write the page: as HTML, or with the suffix ``.json`` as plain data.

        Raises:
            ClipDeskError: it cannot be written.
        """
        if path.suffix.lower() == _JSON:
            write_bytes(path, json.dumps(self.as_json(), indent=1, ensure_ascii=False).encode())
        else:
            write_bytes(path, self.as_html())


@dataclass(frozen=True, eq=False)
class Composer:
    """What pages are made from.

    Attributes:
        opened: The survey's model.
        folder: Where the survey is.
        survey: The survey.
        lexicon: The words for its units; None where the model reads no texts.
        results: Where rendered pictures are; there may be none.
        photos: Whether pages may show photos; drawn scenes are shown all the same.
        counting: Shows the progress of what takes long.
        note: Told what a page has to do without.
    """

    opened: OpenModel
    folder: Path
    survey: Survey
    lexicon: Lexicon | None
    results: Path
    photos: bool
    counting: Counting = _uncounted
    note: Callable[[str], None] = lambda text: None

    def unit(self, layer: str, unit: int, pooling: Pooling | None = None) -> Page:
        """The page of a unit.

        Args:
            layer: Dotted name of the unit's layer.
            unit: Its index.
            pooling: How its values at positions become one; by default the layer's usual one.

        Raises:
            UsageError: the survey does not have the layer, the pooling or the unit.
            ClipDeskError: a picture or the model cannot be read any more.
        """
        answers = unit_answers(
            self.survey, layer, unit, rectified=self._rectified(layer), lexicon=self.lexicon, pooling=pooling
        )
        picture = self._rendered(layer, [unit]).get(unit)
        ranked = None
        if picture is not None:
            checked = self._check(Unit(layer=layer, index=unit), picture.path, answers.pooling)
            ranked = RankedPicture(picture, checked.rank, checked)
        origin = self._origin()
        head = self._head(answers, origin.previews)
        return Page(
            lambda: unit_as_json(origin, answers, ranked, head), lambda: unit_page(origin, answers, ranked, head)
        )

    def layer(self, layer: str, sort: str = "clarity", pooling: Pooling | None = None) -> Page:
        """The page of a layer.

        Args:
            layer: Its dotted name.
            sort: The number by which its units are listed, the largest first.
            pooling: As in `unit`.

        Raises:
            UsageError: the survey does not have the layer or the pooling.
        """
        statistics = statistics_of(self.survey, layer, pooling)
        numbers = table(self.survey, statistics, rectified=self._rectified(layer))
        answers = LayerAnswers(
            statistics,
            numbers,
            overview(numbers, self.survey.embeddings),
            None if self.lexicon is None else words(self.lexicon, layer, pooling=statistics.pooling),
            tuple(numbers.order(sort).tolist()),
        )
        origin, rendered = self._origin(), self._rendered(layer)

        def as_html() -> bytes:
            with self.counting("Units") as progress:
                return layer_page(origin, answers, rendered, progress)

        return Page(lambda: layer_as_json(origin, answers, rendered), as_html)

    def _head(self, found: UnitAnswers, previews: Previews) -> HeadAnswers | None:
        """What else there is to say of an attention head; None for other units."""
        if not is_of_heads(self.opened.inspector.visualizable(found.layer)):
            return None
        written: Sequence[SpanWord] = ()
        try:
            if self.lexicon is not None:
                with self.counting("Pictures") as progress:
                    written, _ = written_by(
                        self.opened,
                        self.folder,
                        self.survey,
                        found.layer,
                        found.unit,
                        self.lexicon.vocabulary,
                        progress=progress,
                    )
        except UsageError as error:
            self.note(str(error))
        shown = ShownPictures(self.folder, self.survey, self.opened.side) if previews.allowed else None
        top = [] if shown is None else [shown.read(each.picture) for each in found.examples.top]
        pictures = [each for each in top if each is not None]
        try:
            maps = attention_maps(self.opened, found.layer, found.unit, pictures)
        except UsageError as error:
            self.note(str(error))
            return HeadAnswers(tuple(written))
        return HeadAnswers(tuple(written), tuple(maps.over(number, each) for number, each in enumerate(pictures)))

    def _check(self, unit: Unit, picture: Path, pooling: Pooling) -> Check:
        read = ShownPictures(self.folder, self.survey, self.opened.side).read
        name = usual_reader(self.opened.name)
        reader = None if name is None else SecondReader(default_pool().open(name, "cpu"), self.survey, read)
        return check_picture(self.opened, self.survey, unit, picture, read=read, reader=reader, pooling=pooling)

    def _origin(self) -> Origin:
        previews = Previews(self.folder, self.survey, photos=self.photos)
        return Origin(str(self.opened.name), self.folder.name, self.survey, previews)

    def _rendered(self, layer: str, units: Sequence[int] | None = None) -> Mapping[int, Rendered]:
        if not self.results.is_dir():
            return {}
        with self.counting("Pictures") as progress:
            return rendered_units(self.results, self.survey.weights, layer, units, progress)

    def _rectified(self, layer: str) -> bool:
        return rectifier_of(layer, self.opened.inspector.layers) is not None
