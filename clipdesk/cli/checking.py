"""Pictures, checked one after the other. Takes torch along."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.known import known_target
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.checking.thorough import Thorough, check_thoroughly
from clipdesk.activations.checking.usual import thorough_reader, usual_reader
from clipdesk.activations.directions import usual_concepts, vocabulary_of
from clipdesk.activations.measuring import Picture
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.statistics import Pooling
from clipdesk.cli.asked import Asked, ask, unit_of
from clipdesk.cli.bars import counting
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say
from clipdesk.cli.terminal import show
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.check_record import CheckRecord
from clipdesk.export.checked import keep_check
from clipdesk.export.png import read_recipe
from clipdesk.models.learnt import caution_of_reader
from clipdesk.models.names import ModelName, find_name, short_name
from clipdesk.network.layer_names import short_label
from clipdesk.network.opened import OpenModel
from clipdesk.render.expressions import parse_target
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target, Unit, terms_of

_OPTIONAL = (
    *("clipdesk", "date", "survey", "pictures", "of", "reader_higher", "higher", "kept", "path", "times_best"),
    *("word", "reader", "near", "reader_near", "written", "agreement", "control"),
)
"""Columns that go first where there is no room."""


@dataclass(frozen=True)
class _Subject:
    """What is asked of a picture.

    Attributes:
        wanted: Which survey answers.
        target: What the picture is to show.
        weights: Those that it was rendered on; None where that is not known.
        settings: How it was rendered; None likewise.
    """

    wanted: Wanted
    target: Target
    weights: str | None
    settings: RenderSettings | None


class Checking:
    """Checks pictures, and keeps the surveys and the second models that it has opened.

    Args:
        target: What the pictures are to show; None for what their recipes say.
        reader: The second model; None for that which `usual_reader`, or if thorough `thorough_reader`, knows of each.
        thorough: Whether pictures are rendered anew.
        pooling: How a unit's values at positions become one.
        wanted: Which survey answers.
    """

    def __init__(
        self,
        target: Target | None,
        reader: ModelName | None,
        thorough: bool,
        pooling: Pooling | None,
        wanted: Wanted,
    ) -> None:
        self._target, self._reader, self._thorough = target, reader, thorough
        self._pooling, self._wanted = pooling, wanted
        self._checkers: dict[tuple[str, frozenset[str]], _Checker] = {}

    def check(self, file: Path) -> tuple[Target, CheckRecord]:
        """Check a picture; what it is to show, and what was found.

        Raises:
            ClipDeskError: it cannot be checked.
        """
        subject = self.subject(file)
        if self._thorough:
            self._require_thorough(subject)
        checker = self._checker(subject)
        # A survey of the plain model answers beside a sparse autoencoder, too.
        if subject.weights not in (None, checker.asked.survey.weights, checker.asked.opened.sha256):
            raise UsageError("It was rendered on other weights than those of the survey")
        own = subject.settings is not None and subject.settings.own_texts
        found = checker.check(file, subject.target, self._pooling, own_texts=own)
        more = checker.thorough(file, subject, self._pooling) if self._thorough else None
        return subject.target, CheckRecord.of_check(found, checker.asked.folder.name, more)

    def require(self, targets: Sequence[Target]) -> None:
        """Raise what will be wrong with pictures of some targets before they are rendered.

        Raises:
            ClipDeskError: no survey knows of one, or its pictures cannot be read by a second model.
        """
        for target in targets:
            checker = self._checker(_Subject(self._wanted, target, None, None))
            known_target(checker.asked.opened, checker.asked.survey, target, pooling=self._pooling)
            checker.open_reader()

    def look(self, target: Target, picture: Picture, settings: RenderSettings) -> CheckRecord:
        """What is found of a picture of a target that `require` has let pass."""
        checker = self._checker(_Subject(self._wanted, target, None, settings))
        found = checker.check(picture, target, self._pooling, own_texts=settings.own_texts)
        return CheckRecord.of_check(found, checker.asked.folder.name)

    def subject(self, file: Path) -> _Subject:
        """What is asked of a picture.

        Raises:
            UsageError: it has no recipe, and nothing says what it is to show.
        """
        if self._target is not None:
            return _Subject(self._wanted, self._target, None, None)
        try:
            recipe = read_recipe(file)
        except UsageError as error:
            raise UsageError(f"{error}. Name what it is to show: --unit LAYER:UNIT or --target TARGET") from None
        model = self._wanted.model if self._wanted.given else find_name(recipe.model)
        wanted = replace(self._wanted, model=model, given=True)
        return _Subject(wanted, recipe.target, recipe.weights, recipe.settings)

    def _require_thorough(self, subject: _Subject) -> None:
        """Refuse what cannot be checked thoroughly before anything is opened or computed."""
        if subject.settings is None:
            raise UsageError("Only pictures with a recipe, and without --unit and --target, can be checked thoroughly")
        if self._reader is None and thorough_reader(subject.wanted.model) is None:
            raise UsageError(
                f"A thorough check compares pictures by a second model, and none is known for "
                f"{short_name(subject.wanted.model)}. Name one: --reader MODEL"
            )

    def _checker(self, subject: _Subject) -> _Checker:
        layers = frozenset(layer for term in terms_of(subject.target) if (layer := getattr(term.what, "layer", None)))
        key = str(subject.wanted.model), layers
        if key not in self._checkers:
            self._checkers[key] = self._opened(subject, layers)
        return self._checkers[key]

    def _opened(self, subject: _Subject, layers: frozenset[str]) -> _Checker:
        unit = subject.target
        own = (unit.layer, unit.index) if isinstance(unit, Unit) else None
        asked = ask(subject.wanted, [] if own else sorted(layers), own)
        usual = thorough_reader if self._thorough else usual_reader
        return _Checker(asked, self._reader or usual(asked.opened.name), texts=not layers)


@dataclass(frozen=True, eq=False)
class _Checker:
    """What pictures are checked with.

    Attributes:
        asked: A survey.
        reader: The name of the second model.
        texts: Whether their targets are read in no layer: texts, images and sums of them.
    """

    asked: Asked
    reader: ModelName | None
    texts: bool

    @cached_property
    def _shown(self) -> ShownPictures:
        return ShownPictures(self.asked.folder, self.asked.survey, self.asked.opened.side)

    @cached_property
    def _second(self) -> SecondReader | None:
        if self.reader is None:
            model = "this model" if self.asked.opened.name is None else short_name(self.asked.opened.name)
            say(
                f"No other model reads the pictures of {model}, so no verdict is better than doubt. "
                "Name one: --reader MODEL",
                err=True,
            )
            return None
        opened = open_with_bar(self.reader, "cpu")
        if caution := caution_of_reader(self.reader, usual_concepts(self.asked.opened)):
            say(f"Note: {caution}.", err=True)
        vocabulary = self._words_of(opened) if self.texts else None
        return SecondReader(opened, self.asked.survey, self._shown.read, vocabulary=vocabulary)

    def open_reader(self) -> None:
        """Open the second model now."""
        _ = self._second

    @cached_property
    def _vocabulary(self) -> Vocabulary | None:
        return self._words_of(self.asked.opened)

    def _words_of(self, opened: OpenModel) -> Vocabulary | None:
        """The words for the units of the model that is checked, read by a model; None where that reads no texts."""
        with suppress(UsageError), counting("Texts") as progress:
            return vocabulary_of(opened, usual_concepts(self.asked.opened), progress=progress)
        return None

    def _full(self, target: Target) -> Target:
        """The target with the full name of its layer, which may be typed short."""
        return Unit(layer=self.asked.layer(target.layer), index=target.index) if isinstance(target, Unit) else target

    def thorough(self, file: Path, subject: _Subject, pooling: Pooling | None) -> Thorough:
        # `_require_thorough` has seen to both.
        assert subject.settings is not None
        assert self._second is not None
        with counting("Steps") as progress:
            return check_thoroughly(
                self.asked.opened,
                self.asked.survey,
                self._full(subject.target),
                file,
                subject.settings,
                reader=self._second,
                vocabulary=self._vocabulary,
                pooling=pooling,
                progress=progress,
            )

    def check(self, picture: Picture, target: Target, pooling: Pooling | None, *, own_texts: bool) -> Check:
        return check_picture(
            self.asked.opened,
            self.asked.survey,
            self._full(target),
            picture,
            read=self._shown.read,
            reader=self._second,
            vocabulary=self._vocabulary if self.texts else None,
            pooling=pooling,
            own_texts=own_texts,
        )


def check(
    files: Sequence[Path],
    unit: str | None,
    target: str | None,
    reader: str | None,
    thorough: bool,
    keep: bool,
    pooling: Pooling | None,
    as_json: bool,
    wanted: Wanted,
) -> None:
    """Check pictures, and print a row for each; one that cannot be checked never stops the others."""
    asked = _named(unit, target)
    if keep and asked is not None:
        # Nothing in a picture says of what else than its own target a check is.
        raise UsageError("--keep writes into a picture what is found of its own target. Leave out --unit and --target")
    checking = Checking(asked, None if reader is None else find_name(reader), thorough, pooling, wanted)
    rows, failed = [], False
    for file in files:
        try:
            shows, found = checking.check(file)
            if keep:
                keep_check(file, found)
            rows.append({"file": file.name, "target": short_label(shows.label), **found.model_dump()})
        except ClipDeskError as error:
            failed = True
            named = str(error).startswith(str(file))
            say(f"{error}" if named else f"{file}: {error}", err=True)
    if rows:
        show(rows, key=("file", "verdict", "why"), title="Checked", as_json=as_json, optional=_OPTIONAL)
    if failed:
        raise SystemExit(UsageError.exit_code if not rows else ClipDeskError.exit_code)


def _named(unit: str | None, target: str | None) -> Target | None:
    if unit is not None and target is not None:
        raise UsageError("--unit and --target both say what the pictures are to show. Leave one of them out")
    if unit is not None:
        layer, index = unit_of(unit)
        return Unit(layer=layer, index=index)
    return None if target is None else parse_target(target)
