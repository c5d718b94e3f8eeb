"""The pages of units and layers, made from what a survey says. Takes torch along."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.measuring import rank_of_picture
from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.overview import overview
from clipdesk.activations.questions.unit import unit_answers
from clipdesk.activations.questions.words import Lexicon, prepare, words
from clipdesk.activations.statistics import Pooling
from clipdesk.cli.asked import Asked, ask, unit_of
from clipdesk.cli.bars import counting
from clipdesk.cli.heads import head_answers
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say, say_json, say_path
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import UsageError, one_line
from clipdesk.export.answers_json import layer_as_json, unit_as_json
from clipdesk.export.layer_page import LayerAnswers, save_layer_page
from clipdesk.export.previews import Previews
from clipdesk.export.rendered import Rendered, rendered_units
from clipdesk.export.unit_page import Origin, RankedPicture, save_unit_page
from clipdesk.network.layer_names import short_layer
from clipdesk.network.rectifiers import rectifier_of


class Paging:
    """Makes the page of a unit or a layer.

    Args:
        wanted: Which survey answers.
        output: The page; by default a file of the unit's or the layer's name.
        rendered: Where rendered pictures are.
        concepts: The list of words.
        pooling: How values at positions become one.
        photos: Whether the page may show photos.
        as_json: Whether what the page says is printed; then it is written only where `output` says.
    """

    def __init__(
        self,
        wanted: Wanted,
        output: Path | None,
        rendered: Path,
        concepts: str | None,
        pooling: Pooling | None,
        *,
        photos: bool,
        as_json: bool,
    ) -> None:
        self._wanted, self._output, self._folder = wanted, output, rendered
        self._concepts, self._pooling, self._photos, self._as_json = concepts, pooling, photos, as_json

    def unit(self, text: str) -> None:
        """The page of a unit."""
        name, unit = unit_of(text)
        asked = ask(self._wanted, unit=(name, unit))
        layer, origin = asked.layer(name), self._origin(asked)
        answers = unit_answers(
            asked.survey,
            layer,
            unit,
            rectified=_rectified(asked, layer),
            lexicon=self._lexicon(asked),
            pooling=self._pooling,
        )
        picture = self._rendered(asked, layer, [unit]).get(unit)
        ranked = None
        if picture is not None:
            rank = rank_of_picture(asked.opened, asked.survey, layer, unit, picture.path, pooling=answers.pooling)
            ranked = RankedPicture(picture, rank)
        head = head_answers(asked, answers, self._concepts, origin.previews)
        path = self._path(f"{short_layer(layer)}-{unit}")
        if path is not None:
            save_unit_page(path, origin, answers, ranked, head)
        self._tell(path, unit_as_json(origin, answers, ranked, head) if self._as_json else {}, origin)

    def layer(self, name: str, sort: str) -> None:
        """The page of a layer."""
        self._check_layer(name)
        asked = ask(self._wanted, [name])
        layer, origin = asked.layer(name), self._origin(asked)
        statistics = statistics_of(asked.survey, layer, self._pooling)
        numbers = table(asked.survey, statistics, rectified=_rectified(asked, layer))
        answers = LayerAnswers(
            statistics,
            numbers,
            overview(numbers, asked.survey.embeddings),
            words(self._lexicon(asked), layer, pooling=statistics.pooling),
            tuple(numbers.order(sort).tolist()),
        )
        rendered = self._rendered(asked, layer)
        path = self._path(short_layer(layer))
        if path is not None:
            with counting("Units") as progress:
                save_layer_page(path, origin, answers, rendered, progress)
        self._tell(path, layer_as_json(origin, answers, rendered) if self._as_json else {}, origin)

    def _check_layer(self, name: str) -> None:
        """What is neither a folder nor a layer may have been meant as either."""
        if self._wanted.survey is None:
            layers = open_with_bar(self._wanted.model, "cpu").inspector
            try:
                layers.get_layer_info(name)
            except UsageError as error:
                raise UsageError(f"There is no folder {one_line(name)}, and no such layer: {error}") from None

    def _origin(self, asked: Asked) -> Origin:
        previews = Previews(asked.folder, asked.survey, photos=self._photos)
        return Origin(str(asked.opened.name), asked.folder.name, asked.survey, previews)

    def _lexicon(self, asked: Asked) -> Lexicon:
        with counting("Texts") as progress:
            vocabulary = vocabulary_of(asked.opened, self._concepts, progress=progress)
        return prepare(asked.survey, vocabulary)

    def _rendered(self, asked: Asked, layer: str, units: list[int] | None = None) -> Mapping[int, Rendered]:
        if not os.path.isdir(self._folder):
            return {}
        with counting("Pictures") as progress:
            return rendered_units(self._folder, asked.survey.weights, layer, units, progress)

    def _path(self, name: str) -> Path | None:
        if self._output is None and self._as_json:
            return None
        return self._output or Path(f"{name}.html")

    def _tell(self, path: Path | None, answers: dict[str, Any], origin: Origin) -> None:
        if self._as_json:
            say_json(answers)
        if path is None:
            return
        if self._as_json:
            say(path, err=True)
        else:
            say_path(path)
        if not origin.previews.allowed:
            say("The photos are not in the page. --with-photos shows them, small.", err=True)


def _rectified(asked: Asked, layer: str) -> bool:
    return rectifier_of(layer, asked.opened.inspector.layers) is not None
