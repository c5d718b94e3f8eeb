"""The columns of the table of neurons: what each says of a unit, and what it is sorted by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPalette, QPixmap, QPolygonF

from clipdesk.gui.images import faded, unpacked
from clipdesk.marks.mark import Mark

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QImage

    from clipdesk.export.recipe import Recipe
    from clipdesk.gui.item_models.neuron_order import Value
    from clipdesk.gui.surveys.data import LayerFacts
    from clipdesk.network.layers import LayerInfo

THUMBNAIL = 32
_STAR = "\N{BLACK STAR}"
_RIGHT, _LEFT, _MIDDLE = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter


class UnitState(NamedTuple):
    """What the table shows of a unit: a word, the activation that was reached, the steps done, and a small picture.

    Attributes:
        thumbnail: The small picture as `clipdesk.gui.images.packed` makes it: there may be thousands.
        faded: Whether the picture shows nothing of the unit, so that it is drawn without colours.
        path: The picture's file; None where it is not known.
    """

    status: str
    activation: float | None = None
    steps: int | None = None
    reason: str = ""
    thumbnail: bytes = b""
    faded: bool = False
    path: Path | None = None

    @classmethod
    def of(cls, recipe: Recipe, thumbnail: bytes, path: Path | None) -> UnitState:
        """The state of a unit whose picture has ended; its page finds the picture by the path."""
        activation, faded = recipe.activation.picture, not recipe.outcome.useful
        return cls(recipe.outcome_in_words, activation, recipe.steps, "", thumbnail, faded, path)

    def at(self, status: str) -> UnitState:
        """The same picture of a unit that has another status now; the reason of the old one goes."""
        return UnitState(status, self.activation, self.steps, "", self.thumbnail, self.faded, self.path)


@dataclass(frozen=True)
class Known:
    """What is known of a layer's units.

    Attributes:
        layer: The layer.
        state: The state of a unit.
        facts: What a survey says of them; None if there is none.
        marks: What the user says of them.
    """

    layer: LayerInfo
    state: Callable[[int], UnitState]
    facts: LayerFacts | None = None
    marks: Mapping[int, Mark] = field(default_factory=dict)


States = Mapping[int, UnitState]


@dataclass(frozen=True)
class Column:
    """A column of the table. Whoever adds one adds it to `COLUMNS`; the table and its header follow.

    Attributes:
        key: What code calls it.
        title: What the header says.
        tooltip: What it shows, for the header.
        text: What a cell says, for the index of a unit.
        values: What units are sorted by, from the states of those that have one; units without a value come last in
            either order. None to sort by the unit's index.
        icon: A small picture for a cell; None in a column of text.
        searched: Whether the filter looks into it.
        surveyed: Whether it shows what a survey knows: without one there is no such column.
        shown: Whether it is shown until the user chooses.
        alignment: Where its text stands.
        width: The width that it should have, in letters.
        least: The width below which it cannot be read, in letters.
        takes_rest: Whether it gets the width that the others leave; one column does.
    """

    key: str
    title: str
    tooltip: str
    text: Callable[[Known, int], str | int]
    values: Callable[[Known, States], Mapping[int, Value]] | None = None
    icon: Callable[[Known, int], QIcon | None] | None = None
    searched: bool = False
    surveyed: bool = False
    shown: bool = True
    alignment: Qt.AlignmentFlag = _RIGHT
    width: int = 0
    least: int = 0
    takes_rest: bool = False


def picture_icon(image: QImage) -> QIcon:
    """A picture as an icon that a selection does not tint: colours are the result."""
    picture = QPixmap.fromImage(image)
    found = QIcon(picture)
    found.addPixmap(picture, QIcon.Mode.Selected)
    return found


def _rendered(known: Known, unit: int) -> QIcon | None:
    state = known.state(unit)
    if not state.thumbnail:
        return None
    image = unpacked(state.thumbnail)
    return picture_icon(faded(image) if state.faded else image)


def _of_state(name: str) -> Callable[[Known, States], Mapping[int, Value]]:
    """What states are sorted by; empty texts and bytes are none."""

    def values(_known: Known, states: States) -> Mapping[int, Value]:
        found = ((unit, getattr(state, name)) for unit, state in states.items())
        return {unit: value for unit, value in found if value is not None and value not in ("", b"")}

    return values


def _has_picture(_known: Known, states: States) -> Mapping[int, Value]:
    return {unit: True for unit, state in states.items() if state.thumbnail}


def number_of(known: Known, name: str) -> Mapping[int, Value]:
    """A column of the survey's table, without units for which it is not defined."""
    if known.facts is None:
        return {}
    values = getattr(known.facts.table, name).tolist()
    return {unit: value for unit, value in enumerate(values) if not math.isnan(value)}


def _number(name: str, digits: str) -> Callable[[Known, int], str]:
    def text(known: Known, unit: int) -> str:
        if known.facts is None:
            return ""
        value = float(getattr(known.facts.table, name)[unit])
        return "" if math.isnan(value) else format(value, digits)

    return text


def _word(known: Known, unit: int) -> str:
    facts = known.facts
    if facts is None:
        return ""
    kind = "dead" if facts.table.dead[unit] else ""
    word = facts.words[unit] if facts.words else None
    return kind or ("" if word is None else f"{word.concept}{' ?' if word.weak else ''}")


def _words(known: Known, _states: States) -> Mapping[int, Value]:
    """The best word comes first in a falling order."""
    facts = known.facts
    if facts is None:
        return {}
    # Those that are not numbers have no place in an order.
    return {unit: word.pearson for unit, word in enumerate(facts.words) if word is not None and word.score}


def _spread(known: Known, unit: int) -> QIcon | None:
    """The unit's histogram, as tall as a thumbnail."""
    if known.facts is None:
        return None
    counts = known.facts.counts[unit].tolist()
    filled = [place for place, count in enumerate(counts) if count]
    if len(filled) < 2:
        return None
    heights = [math.log1p(count) for count in counts[filled[0] : filled[-1] + 1]]
    step, scale = (THUMBNAIL - 2) / (len(heights) - 1), (THUMBNAIL - 6) / max(heights)
    line = [QPointF(1 + place * step, THUMBNAIL - 3 - height * scale) for place, height in enumerate(heights)]
    picture = QPixmap(THUMBNAIL, THUMBNAIL)
    picture.fill(Qt.GlobalColor.transparent)
    found = QIcon()
    for mode, role in (
        (QIcon.Mode.Normal, QPalette.ColorRole.Highlight),
        (QIcon.Mode.Selected, QPalette.ColorRole.Text),
    ):
        drawn = QPixmap(picture)
        painter = QPainter(drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QGuiApplication.palette().color(role))
        floor = THUMBNAIL - 3
        painter.drawPolygon(QPolygonF([QPointF(1, floor), *line, QPointF(THUMBNAIL - 1, floor)]))
        painter.end()
        found.addPixmap(drawn, mode)
    return found


def _surveyed(key: str, title: str, tooltip: str, digits: str, *, width: int, least: int, shown: bool = True) -> Column:
    """A number of the survey's table."""
    return Column(
        key,
        title,
        tooltip,
        text=_number(key, digits),
        values=lambda known, states: number_of(known, key),
        surveyed=True,
        shown=shown,
        width=width,
        least=least,
    )


COLUMNS = (
    Column(
        "picture",
        "",
        "The newest picture; before there is one, the picture of the survey that excites the unit most",
        text=lambda known, unit: "",
        values=_has_picture,
        icon=_rendered,
    ),
    Column(
        "index",
        "Index",
        "The index of the unit in its layer",
        text=lambda known, unit: unit,
        searched=True,
        width=9,
        least=8,
    ),
    Column(
        "star",
        _STAR,
        "The units that you have given a star; tags and notes are found by the filter",
        text=lambda known, unit: _STAR if unit in known.marks and known.marks[unit].starred else "",
        values=lambda known, states: {unit: True for unit, mark in known.marks.items() if mark.starred},
        alignment=_MIDDLE,
        width=4,
        least=4,
    ),
    Column(
        "word",
        "Word",
        "The word that fits the unit best, by its score in pictures that were held out; ? where chance reaches as much",
        text=_word,
        values=_words,
        searched=True,
        surveyed=True,
        alignment=_LEFT,
        width=14,
        least=10,
    ),
    Column(
        "spread",
        "",
        "How often the unit is how active, on a logarithmic scale; sorted by kurtosis: units that few pictures excite",
        text=lambda known, unit: "",
        values=lambda known, states: number_of(known, "kurtosis"),
        icon=_spread,
        surveyed=True,
    ),
    _surveyed("density", "Density", "Share of the pictures in which the unit is above zero", ".1%", width=10, least=10),
    _surveyed("clarity", "Clarity", "How much alike its top pictures are: mean cosine", ".2f", width=10, least=10),
    _surveyed(
        "selectivity",
        "Selectivity",
        "How much more the best class excites it than the others; without classes, how few pictures do",
        ".2f",
        width=12,
        least=9,
        shown=False,
    ),
    _surveyed(
        "monosemanticity",
        "One meaning",
        "Monosemanticity: how much alike all pictures are that excite it, weighted by how much they do",
        ".2f",
        width=13,
        least=10,
        shown=False,
    ),
    _surveyed(
        "redundancy",
        "Redundancy",
        "Its largest correlation with another unit of the layer",
        ".2f",
        width=12,
        least=9,
        shown=False,
    ),
    Column(
        "activation",
        "Activation",
        "The clean activation of the picture itself; the curves are under the random changes of each step",
        text=lambda known, unit: "" if (value := known.state(unit).activation) is None else f"{value:.3f}",
        values=_of_state("activation"),
        width=13,
        least=8,
    ),
    Column(
        "status",
        "Status",
        "Whether it is waiting, rendering or done",
        text=lambda known, unit: known.state(unit).status,
        values=_of_state("status"),
        searched=True,
        # Clear of the number before it.
        alignment=_MIDDLE,
        least=13,
        # The one that may be long; numbers stay at the width of their header.
        takes_rest=True,
    ),
    Column(
        "steps",
        "Steps",
        "The number of steps that the picture took",
        text=lambda known, unit: "" if (steps := known.state(unit).steps) is None else str(steps),
        values=_of_state("steps"),
        width=7,
        least=5,
    ),
)


def column_of(key: str) -> int:
    """Where a column stands in the table.

    Raises:
        ValueError: there is no such column.
    """
    return [column.key for column in COLUMNS].index(key)
