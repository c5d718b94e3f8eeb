"""The questions, asked of a survey and answered as tables. Takes torch along."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.directions import image_direction, text_directions, vocabulary_of
from clipdesk.activations.questions import find as finding
from clipdesk.activations.questions.clusters import Clusters, clusters
from clipdesk.activations.questions.counterparts import counterparts
from clipdesk.activations.questions.examples import Example, Examples
from clipdesk.activations.questions.examples import examples as examples_of
from clipdesk.activations.questions.layer import COLUMNS, table
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.overview import overview
from clipdesk.activations.questions.words import LayerWords, Reading, prepare
from clipdesk.activations.questions.words import words as words_of
from clipdesk.activations.rereading import read_by
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import read_thumbnail
from clipdesk.cli.asked import Asked, ask, unit_of
from clipdesk.cli.bars import counting
from clipdesk.cli.heads import words_of_head, words_of_latent
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say, say_json, say_path
from clipdesk.cli.terminal import show
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import UsageError
from clipdesk.export.example_sheet import save_example_sheet
from clipdesk.models.learnt import caution
from clipdesk.models.names import ModelName, find_name
from clipdesk.network.layer_names import short_layer
from clipdesk.network.rectifiers import rectifier_of
from clipdesk.ranges import describe_range

_OPTIONAL = ("nearest", "monosemanticity", "redundancy", "kurtosis", "maximum", "selectivity", "density", "clarity")
"""Numbers of a unit that go first where there is no room."""


def find(
    wanted: Wanted,
    text: str | None,
    image: Path | None,
    unit: str | None,
    layers: Sequence[str],
    pooling: Pooling | None,
    count: int,
    as_json: bool,
) -> None:
    """Print the units that answer to a text or an image, or are like another unit."""
    own = None if unit is None else unit_of(unit)
    asked = ask(wanted, layers, own)
    inside = [asked.layer(each) for each in layers] or None
    if own is not None:
        found = finding.like(
            asked.survey, asked.layer(own[0]), own[1], own_pooling=pooling, layers=inside, pooling=pooling, count=count
        )
    else:
        found = finding.find(asked.survey, _directions(asked, text, image), layers=inside, pooling=pooling, count=count)
    what = unit or (f'"{text}"' if image is None else image.name)
    _show_found(found, f"Units for {what} in {asked.folder.name}", as_json)


def find_in(wanted: Wanted, other: ModelName, unit: str, pooling: Pooling | None, count: int, as_json: bool) -> None:
    """Print the units of another model that are active in the same pictures as a unit."""
    own = unit_of(unit)
    asked = ask(wanted, unit=own)
    there = ask(Wanted(other, given=True, images=asked.survey.source, survey=None))
    found = counterparts(
        asked.survey, there.survey, asked.layer(own[0]), own[1], own_pooling=pooling, pooling=pooling, count=count
    )
    _show_found(found, f"Units of {there.opened.name} like {unit} of {asked.opened.name}", as_json)


def _show_found(found: Sequence[finding.Found], title: str, as_json: bool) -> None:
    rows = [
        {
            "unit": f"{short_layer(each.layer)}:{each.unit}",
            "correlation": round(each.correlation, 4),
            "pooling": each.pooling,
        }
        for each in found
    ]
    show(rows, key=("unit", "correlation"), title=title, as_json=as_json)


def layer(
    wanted: Wanted, name: str, sort: str, ascending: bool, pooling: Pooling | None, count: int, as_json: bool
) -> None:
    """Print the units of a layer that are worth looking at."""
    asked = ask(wanted, [name])
    full = asked.layer(name)
    rectified = rectifier_of(full, asked.opened.inspector.layers) is not None
    found = table(asked.survey, statistics_of(asked.survey, full, pooling), rectified=rectified)
    glance = overview(found, asked.survey.embeddings)
    short = short_layer(full)
    rows: list[dict[str, object]] = [
        {
            "unit": f"{short}:{unit}",
            **{column: _number(getattr(found, column)[unit]) for column in COLUMNS},
            "nearest": None if found.nearest[unit] < 0 else int(found.nearest[unit]),
            "note": ", ".join(glance.notes(unit)),
        }
        for unit in found.order(sort, ascending=ascending)[:count].tolist()
    ]
    title = f"Units of {short} by {sort}, {found.pooling} over {found.count:,} pictures"
    wanted_most = (sort, "nearest") if sort == "redundancy" else (sort,)
    optional = [each for each in _OPTIONAL if each not in wanted_most]
    show(rows, key=("unit", sort), title=title, as_json=as_json, optional=optional)
    for kind, which in glance.kinds():
        units = np.flatnonzero(which).tolist()
        if units:
            say(f"{len(units):,} of {len(which):,} units are {kind}: {describe_range(units, 8)}", err=True)


def examples(
    wanted: Wanted, unit: str, output: Path | None, pooling: Pooling | None, count: int, as_json: bool
) -> None:
    """Print pictures from the top of a unit's range to the bottom, and write a contact sheet of them."""
    name, index = unit_of(unit)
    asked = ask(wanted, unit=(name, index))
    found = examples_of(asked.survey, asked.layer(name), index, pooling=pooling, count=count, per_bin=count)
    groups = clusters(asked.survey, found.layer, index, pooling=pooling)
    if as_json:
        say_json(_as_json(asked, found, groups))
    else:
        rows = [row for part, _, shown in parts(found) for row in _rows(asked, part, shown)]
        title = f"{short_layer(found.layer)}:{index}, {found.pooling} over {len(asked.survey.pictures):,} pictures"
        optional = ("caption", "alike", "label")
        show(rows, key=("part", "value", "place", "label"), title=title, as_json=False, optional=optional)
        if len(groups.groups) > 1:
            sizes = ", ".join(str(len(group)) for group in groups.groups)
            say(f"Its top pictures are of {len(groups.groups)} kinds: groups of {sizes}.", err=True)
    if output is not None:
        _save_sheet(asked, found, output, to_stderr=as_json)


def words(
    wanted: Wanted,
    units: str,
    concepts: str | None,
    reading: Reading | Literal["span", "decoder"],
    reader: str | None,
    pooling: Pooling | None,
    count: int,
    as_json: bool,
) -> None:
    """Print the words of a unit, or of all units of a layer."""
    unit = unit_of(units) if ":" in units else None
    if reading == "decoder":
        if unit is None or reader is not None:
            raise UsageError("--reading decoder is of one latent, such as visual.latents:7, in its own model's words")
        words_of_latent(wanted.model, unit, concepts, count, as_json)
        return
    asked = ask(wanted, [] if unit else [units], unit)
    full = asked.layer(unit[0] if unit else units)
    if reading == "span":
        if unit is None or reader is not None:
            raise UsageError("--reading span is of one head, such as 5.attn.heads:1, and in the words of its own model")
        words_of_head(asked, full, unit[1], concepts, count, as_json)
        return
    opened, survey = asked.opened, asked.survey
    if reader is not None:
        opened = open_with_bar(find_name(reader), "cpu")
        survey = read_by(survey, opened, lambda place: read_thumbnail(asked.folder, place))
    with counting("Texts") as progress:
        vocabulary = vocabulary_of(opened, concepts, progress=progress)
    lexicon = prepare(survey, vocabulary)
    chosen = [unit[1]] if unit else None
    found = words_of(lexicon, full, chosen, pooling=pooling, reading=reading, count=count)
    _show_words(found, as_json)


def _directions(asked: Asked, text: str | None, image: Path | None) -> NDArray[np.float32]:
    if image is not None:
        return image_direction(asked.opened, image)
    if not text or not text.strip():
        raise UsageError('The text is empty. Write what the units are to answer to, such as "a heart"')
    if said := caution(text, asked.opened.name):
        say(f"Note: {said}.", err=True)
    with counting("Texts") as progress:
        return text_directions(asked.opened, asked.survey, text, progress=progress)


def parts(found: Examples) -> Iterable[tuple[str, str, Sequence[Example]]]:
    """The parts of a unit's range from the top down: a short name, one with its numbers, and its pictures."""
    yield "top", "Top", found.top
    for number in range(len(found.bins), 0, -1):
        part = found.bins[number - 1]
        name = f"bin {number}"
        yield name, f"Bin {number}: {part.low:.3g} to {part.high:.3g}, {part.share:.1%} of the pictures", part.examples
    yield "bottom", "Bottom", found.bottom


def _rows(asked: Asked, part: str, shown: Sequence[Example]) -> list[dict[str, object]]:
    pictures = asked.survey.pictures
    return [
        {
            "part": part,
            "value": _number(each.value),
            "place": pictures[each.picture].place,
            "label": pictures[each.picture].label,
            "caption": pictures[each.picture].caption[:80],
            "alike": len(each.alike),
        }
        for each in shown
    ]


def _as_json(asked: Asked, found: Examples, groups: Clusters) -> dict[str, object]:
    return {
        "unit": f"{found.layer}:{found.unit}",
        "pooling": found.pooling,
        "survey": asked.folder.name,
        "top": _rows(asked, "top", found.top),
        "bins": [
            {
                "low": each.low,
                "high": each.high,
                "share": each.share,
                "pictures": _rows(asked, f"bin {number}", each.examples),
            }
            for number, each in enumerate(found.bins, 1)
        ],
        "middle": _rows(asked, "middle", found.middle),
        "bottom": _rows(asked, "bottom", found.bottom),
        "groups": [[asked.survey.pictures[each].place for each in group] for group in groups.groups],
        "silhouette": _number(groups.silhouette),
        "polysemanticity": _number(groups.polysemanticity),
    }


def _save_sheet(asked: Asked, found: Examples, output: Path, *, to_stderr: bool) -> None:
    sections = [(heading, shown) for _, heading, shown in parts(found)]
    with counting("Pictures") as progress:
        away = save_example_sheet(asked.opened, asked.folder, asked.survey, found, sections, output, progress)
    if away:
        say(f"Note: {away} of the pictures are thumbnails, since the images are away or have changed.", err=True)
    if to_stderr:
        say(output, err=True)
    else:
        say_path(output)


def _show_words(found: LayerWords, as_json: bool) -> None:
    short = short_layer(found.layer)
    if as_json:
        say_json(
            {
                "layer": found.layer,
                "pooling": found.pooling,
                "reading": found.reading,
                "reader": found.reader,
                "held_out": found.held,
                "weak_below": _number(found.bound),
                "units": [
                    {
                        "unit": each.unit,
                        "words": [
                            {
                                "word": label.concept,
                                "weight": _number(label.weight),
                                "pearson": _number(label.pearson),
                                "auprc": _number(label.auprc),
                                "weak": label.weak,
                            }
                            for label in each.labels
                        ],
                    }
                    for each in found.units
                ],
            }
        )
        return
    if len(found.units) == 1:
        rows: list[dict[str, Any]] = [
            {
                "word": label.concept,
                "weight": _number(label.weight),
                "pearson": _number(label.pearson),
                "auprc": _number(label.auprc),
                "note": "weak" if label.weak else "",
            }
            for label in found.units[0].labels
        ]
        key: tuple[str, ...] = ("word", "pearson", "note")
    else:
        rows = [{"unit": f"{short}:{each.unit}", "words": _in_words(each.labels)} for each in found.units]
        key = ("unit", "words")
    which = f"{short}:{found.units[0].unit}" if len(found.units) == 1 else short
    title = f"Words of {which}, {found.pooling}, read by {found.reader}, tested on {found.held:,} pictures"
    show(rows, key=key, title=title, as_json=False)
    if len(found.units) == 1 and not rows:
        say(f"{which} is the same in all pictures, so no word fits it.", err=True)


def _in_words(labels: Sequence[Any]) -> str:
    return ", ".join(f"{each.concept}{_score(each.pearson)}{' (weak)' if each.weak else ''}" for each in labels)


def _score(value: float) -> str:
    return f" {value:.2f}" if math.isfinite(value) else ""


def _number(value: float) -> float | None:
    """A number for a table or JSON; None where it is not defined."""
    # Without the sign of zero, which the bottom of a range may have.
    return float(f"{value:.6g}") + 0.0 if math.isfinite(value) else None
