"""What the unit page shows of a unit, from a survey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipdesk.gui.surveys.questions import FoundUnit, Word, found_units
from clipdesk.gui.surveys.tiles import Heading, Photo

if TYPE_CHECKING:
    from clipdesk.activations.questions.clusters import Clusters
    from clipdesk.activations.questions.examples import Example, Examples
    from clipdesk.activations.questions.words import Label
    from clipdesk.activations.statistics import Extremes, UnitStatistics
    from clipdesk.gui.surveys.reading import OpenSurvey

_TOP, _PER_BIN, _PER_GROUP = 18, 4, 4
_SIMILAR = 8


@dataclass(frozen=True, eq=False)
class UnitFacts:
    """All of it, ready to be shown.

    Attributes:
        layer: Dotted name of the unit's layer.
        unit: Its index.
        numbers: Names and values, in words.
        edges: Ends of the histogram's bins, one more than there are bins.
        counts: Pictures in each bin.
        top: The pictures that excite it most.
        range: Some of each part of its range, the largest first, each part after its heading.
        bottom: The pictures that excite it least.
        groups: Its top pictures, in groups of what is alike.
        words: What it answers to.
        against: What it answers to least.
        within: The units of its layer that are most like it.
        across: Those of other layers.
    """

    layer: str
    unit: int
    numbers: tuple[tuple[str, str], ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    top: tuple[Photo, ...]
    range: tuple[Photo | Heading, ...]
    bottom: tuple[Photo, ...]
    groups: tuple[Photo | Heading, ...]
    words: tuple[Word, ...]
    against: tuple[Word, ...]
    within: tuple[FoundUnit, ...]
    across: tuple[FoundUnit, ...]


def unit_facts(survey: OpenSurvey, layer: str, unit: int) -> UnitFacts:
    """What is known of a unit.

    Raises:
        UsageError: the survey does not have the layer or the unit.
    """
    import numpy as np

    from clipdesk.activations.questions.clusters import clusters
    from clipdesk.activations.questions.examples import examples
    from clipdesk.activations.questions.lookup import check_unit, statistics_of
    from clipdesk.activations.questions.similar import similar
    from clipdesk.activations.questions.words import words

    asked = survey.survey
    statistics = statistics_of(asked, layer)
    check_unit(statistics, unit)
    own = statistics.only(np.array([unit]))
    found = examples(asked, layer, unit, count=_TOP, per_bin=_PER_BIN)
    like = similar(asked, layer, unit, count=_SIMILAR)
    labels = words(survey.lexicon, layer, [unit]).units[0].labels
    return UnitFacts(
        layer,
        unit,
        _numbers(survey, own),
        tuple(own.histogram.edges(0).tolist()),
        tuple(own.histogram.counts[0].tolist()),
        top=tuple(_photos(survey, found.top)),
        range=tuple(_range(survey, found)),
        bottom=tuple(_photos(survey, found.bottom)),
        groups=tuple(_groups(survey, clusters(asked, layer, unit), own.top)),
        words=tuple(_words(labels)),
        against=(),
        within=tuple(found_units(survey, like.within)),
        across=tuple(found_units(survey, like.across)),
    )


def _numbers(survey: OpenSurvey, own: UnitStatistics) -> tuple[tuple[str, str], ...]:
    from clipdesk.activations.questions.measures import clarities, kurtoses, monosemanticities

    embeddings = survey.survey.embeddings
    return (
        ("pictures", f"{own.count:,}"),
        ("above zero in", f"{own.densities[0]:.2%}"),
        ("mean", f"{own.means[0]:.3g}"),
        ("sd", f"{own.deviations[0]:.3g}"),
        ("largest", f"{own.most[0]:.3g}"),
        ("kurtosis", f"{kurtoses(own.histogram)[0]:.1f}"),
        ("clarity", f"{clarities(own, embeddings)[0]:.2f}"),
        ("monosemanticity", f"{monosemanticities(own, embeddings)[0]:.2f}"),
    )


def _photos(survey: OpenSurvey, found: Iterable[Example]) -> Iterator[Photo]:
    for each in found:
        known = survey.survey.pictures[each.picture]
        yield Photo(each.picture, each.value, known.place, known.label, known.caption, len(each.alike))


def _range(survey: OpenSurvey, found: Examples) -> Iterator[Photo | Heading]:
    for part in reversed(found.bins):
        yield Heading(f"{part.low:.3g} to {part.high:.3g}\n{part.share:.1%}")
        yield from _row(list(_photos(survey, part.examples)), _PER_BIN)


def _groups(survey: OpenSurvey, found: Clusters, top: Extremes) -> Iterator[Photo | Heading]:
    values = dict(zip(top.pictures[0].tolist(), top.values[0].tolist(), strict=True))
    for number, group in enumerate(found.groups, 1):
        yield Heading(f"Group {number}\n{len(group)} pictures")
        known = ((picture, survey.survey.pictures[picture]) for picture in group[:_PER_GROUP])
        photos = [Photo(picture, values[picture], each.place, each.label, each.caption) for picture, each in known]
        yield from _row(photos, _PER_GROUP)


def _row(photos: list[Photo], length: int) -> Iterator[Photo | Heading]:
    """Tiles that fill a row."""
    yield from photos
    yield from [Heading()] * (length - len(photos))


def _words(labels: Iterable[Label]) -> Iterator[Word]:
    return (Word(each.concept, each.pearson, each.weak) for each in labels)
