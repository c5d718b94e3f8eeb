"""The pages of units and layers, made from what a survey says. Takes torch along."""

from __future__ import annotations

from pathlib import Path

from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.questions.words import prepare
from clipdesk.activations.statistics import Pooling
from clipdesk.cli.asked import Asked, ask, unit_of
from clipdesk.cli.bars import counting
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say, say_json, say_path
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import UsageError, one_line
from clipdesk.export.composer import Composer, Page
from clipdesk.export.previews import Previews
from clipdesk.network.layer_names import short_layer


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
        self._wanted, self._output, self._results = wanted, output, rendered
        self._concepts, self._pooling, self._photos, self._as_json = concepts, pooling, photos, as_json

    def unit(self, text: str) -> None:
        """The page of a unit."""
        name, unit = unit_of(text)
        asked = ask(self._wanted, unit=(name, unit))
        layer = asked.layer(name)
        self._give(self._composer(asked).unit(layer, unit, self._pooling), f"{short_layer(layer)}-{unit}", asked)

    def layer(self, name: str, sort: str) -> None:
        """The page of a layer."""
        self._check_layer(name)
        asked = ask(self._wanted, [name])
        layer = asked.layer(name)
        self._give(self._composer(asked).layer(layer, sort, self._pooling), short_layer(layer), asked)

    def _check_layer(self, name: str) -> None:
        """What is neither a folder nor a layer may have been meant as either."""
        if self._wanted.survey is None:
            layers = open_with_bar(self._wanted.model, "cpu").inspector
            try:
                layers.get_layer_info(name)
            except UsageError as error:
                raise UsageError(f"There is no folder {one_line(name)}, and no such layer: {error}") from None

    def _composer(self, asked: Asked) -> Composer:
        with counting("Texts") as progress:
            vocabulary = vocabulary_of(asked.opened, self._concepts, progress=progress)
        return Composer(
            asked.opened,
            asked.folder,
            asked.survey,
            prepare(asked.survey, vocabulary),
            self._results,
            self._photos,
            counting,
            lambda text: say(f"Note: {text}", err=True),
        )

    def _give(self, page: Page, name: str, asked: Asked) -> None:
        """Write a page, or print what it says, or both."""
        path = self._output or (None if self._as_json else Path(f"{name}.html"))
        if path is not None:
            page.save(path)
        if self._as_json:
            say_json(page.as_json())
        if path is None:
            return
        if self._as_json:
            say(path, err=True)
        else:
            say_path(path)
        if not Previews(asked.folder, asked.survey, photos=self._photos).allowed:
            say("The photos are not in the page. --with-photos shows them, small.", err=True)
