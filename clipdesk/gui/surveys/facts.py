"""What the unit page shows of a unit, from a survey. Takes torch along."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from clipdesk.activations.questions.against import Against
from clipdesk.activations.questions.clusters import Clusters
from clipdesk.activations.questions.examples import Example, Examples
from clipdesk.activations.questions.lookup import poolings_of
from clipdesk.activations.questions.unit import UnitAnswers, unit_answers
from clipdesk.activations.statistics import Extremes
from clipdesk.gui.surveys.data import Heading, Photo, PooledUnit, UnitFacts, Word
from clipdesk.gui.surveys.open_survey import OpenSurvey
from clipdesk.gui.surveys.questions import found_units

_TOP, _PER_BIN, _PER_GROUP = 18, 4, 4
_OPPOSITE = 4


def unit_facts(survey: OpenSurvey, pooled: PooledUnit) -> UnitFacts:
    """What is known of a unit.

    Raises:
        UsageError: the survey does not have the layer or the unit.
    """
    layer, lexicon = pooled.layer, survey.lexicon
    found = unit_answers(
        survey.survey,
        layer,
        pooled.unit,
        rectified=survey.is_rectified(layer),
        lexicon=lexicon,
        pooling=survey.pooling(pooled),
        count=_TOP,
        per_bin=_PER_BIN,
    )
    known = lexicon is not None
    opposite = () if found.against is None else found.against.opposite[:_OPPOSITE]
    return UnitFacts(
        found.pooling,
        tuple(poolings_of(survey.survey, layer)),
        tuple(_numbers(found)),
        tuple(found.histogram.edges.tolist()),
        tuple(found.histogram.counts.tolist()),
        top=tuple(_photos(survey, found.examples.top)) or (Heading("No picture\nexcites it"),),
        range=tuple(_range(survey, found.examples)),
        bottom=tuple(_photos(survey, found.examples.bottom)),
        groups=tuple(_groups(survey, found.clusters, found.statistics.top)),
        against=tuple(_against(survey, found.against)),
        words=tuple(Word(each.concept, each.pearson, each.weak) for each in found.labels) if known else None,
        opposite=tuple(Word(concept, pearson, weak=False) for concept, pearson in opposite),
        within=tuple(found_units(survey, found.similar.within)),
        across=tuple(found_units(survey, found.similar.across)),
    )


def _numbers(found: UnitAnswers) -> Iterator[tuple[str, str]]:
    numbers = found.numbers
    kind = "dead" if numbers.dead else "dense" if numbers.dense else ""
    if kind:
        yield "this unit is", kind
    yield "above zero in", f"{numbers.density:.2%} of {found.count:,} pictures"
    yield "mean", f"{numbers.mean:.3g}"
    yield "sd", f"{numbers.deviation:.3g}"
    yield "largest", f"{numbers.most:.3g}"
    shown = {"selectivity": 2, "kurtosis": 1, "clarity": 2, "monosemanticity": 2, "redundancy": 2}
    for name, digits in shown.items():
        if math.isfinite(value := getattr(numbers, name)):
            yield name, f"{value:.{digits}f}"


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


def _against(survey: OpenSurvey, found: Against | None) -> Iterator[Photo | Heading]:
    """Pictures in which the unit and its first word disagree."""
    if found is None:
        return
    parts = (
        (f"excite it without {found.concept}\n{found.without_share:.0%} of the top", found.without),
        (f"{found.concept}, and it is silent\n{found.silent_share:.0%} of these", found.silent),
    )
    for words, examples in parts:
        if examples:
            yield Heading(words)
            yield from _row(list(_photos(survey, examples[:_PER_BIN])), _PER_BIN)
