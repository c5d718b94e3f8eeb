"""What a comparison's page shows of units: their words, their rendered pictures, and photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

from PIL import Image

from clipdesk.activations.comparing.comparison import Comparison, Drifted
from clipdesk.activations.pooling import poolings_of
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.questions.words import Label, Lexicon, prepare, words
from clipdesk.activations.statistics import NONE, Pooling, UnitStatistics
from clipdesk.errors import ClipDeskError
from clipdesk.export.comparison_page import Rendered
from clipdesk.export.page_parts import webp
from clipdesk.imagesets.sets import ImageSet
from clipdesk.imagesets.suffixes import is_drawn
from clipdesk.network.opened import OpenModel
from clipdesk.render.loop import Frame, render
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Combined, Target, Term, Unit
from clipdesk.render.together import Measured, render_difference

_QUALITY = 70
_POSITIONS: Mapping[Pooling, Literal["patches", "max", "class"]] = {"mean": "patches", "max": "max", "class": "class"}
"""The position of a layer whose value a pooling takes."""


def words_of_units(
    found: Comparison, units: Sequence[Drifted], first: Vocabulary, second: Vocabulary, count: int = 3
) -> dict[tuple[str, int], tuple[tuple[Label, ...], tuple[Label, ...]]]:
    """The words of units in both models, by layer and index in the first.

    Args:
        found: The comparison.
        units: Which units.
        first: Words as the first model's text tower reads them.
        second: As the second's does.
        count: Words for each, at most.
    """
    lexicons = prepare(found.first, first), prepare(found.second, second)

    def of(lexicon: Lexicon, layer: str, unit: int) -> tuple[Label, ...]:
        return () if unit == NONE else words(lexicon, layer, [unit], count=count).units[0].labels

    return {
        (each.layer.first, each.unit): (
            of(lexicons[0], each.layer.first, each.unit),
            of(lexicons[1], each.layer.second, each.other),
        )
        for each in units
    }


def pictures_of_units(
    found: Comparison,
    units: Sequence[Drifted],
    first: OpenModel,
    second: OpenModel,
    settings: RenderSettings,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> dict[tuple[str, int], Rendered]:
    """Units rendered in both models and as their difference, with the same seed and settings.

    Args:
        found: The comparison.
        units: Which units; those without a counterpart in the second model are left out.
        first: The first model.
        second: The second.
        settings: How.
        progress: Told how many steps are done, and of how many.

    Raises:
        RenderError: out of memory, or an activation that is not a number.
    """
    rendered = [each for each in units if each.other != NONE]
    if not rendered:
        return {}
    total = 3 * settings.iterations
    pairs = pairs_of_units(found, rendered, first, second, settings, partial(_of_all, progress, total))
    differences = differences_of_units(
        found, rendered, first, second, settings, partial(_told, progress, 2 * settings.iterations, total)
    )
    return {
        (each.layer.first, each.unit): (*pair, difference)
        for each, pair, difference in zip(rendered, pairs, differences, strict=True)
    }


def pairs_of_units(
    found: Comparison,
    units: Sequence[Drifted],
    first: OpenModel,
    second: OpenModel,
    settings: RenderSettings,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> list[tuple[Image.Image, Image.Image]]:
    """Units rendered in both models, with the same seed and settings.

    Args:
        found: The comparison.
        units: Which units; each has a counterpart in the second model.
        first: The first model.
        second: The second.
        settings: How.
        progress: Told how many steps are done, and of how many.

    Raises:
        RenderError: out of memory, or an activation that is not a number.
    """
    sides: tuple[list[Target], list[Target]] = [], []
    for each in units:
        layer = found.layer(each.layer.first)
        sides[0].append(_target(layer.first.layer, each.unit, layer.first.pooling))
        sides[1].append(_target(layer.second.layer, each.other, layer.second.pooling))
    total, pictures = 2 * settings.iterations, []
    for at, (opened, targets) in enumerate(zip((first, second), sides, strict=True)):
        frames = render(opened.network, targets, settings, inspector=opened.inspector)
        pictures.append(last_pictures(frames, partial(_told, progress, at * settings.iterations, total)))
    return list(zip(*pictures, strict=True))


def differences_of_units(
    found: Comparison,
    units: Sequence[Drifted],
    first: OpenModel,
    second: OpenModel,
    settings: RenderSettings,
    progress: Callable[[int], None] = lambda step: None,
) -> list[Image.Image]:
    """What excites units of the second model and not their counterparts in the first.

    Args:
        found: The comparison.
        units: As in `pairs_of_units`, like the others.
        first: The first model.
        second: The second.
        settings: How.
        progress: Told each step.

    Raises:
        RenderError: out of memory, or an activation that is not a number.
    """
    measured = [_measured(found, each) for each in units]
    return last_pictures(render_difference(first, second, measured, settings), progress)


def photos_of(images: ImageSet, found: Comparison, *, photos: bool) -> Callable[[int, int], str | None]:
    """What gives a picture of a comparison as base64 of a WebP, by its index and for a side.

    It gives None where photos may not be shown, as for pages they are not unless a user says so, and where one is away.

    Args:
        images: The set that was read.
        found: The comparison.
        photos: Whether photos may be shown; drawn scenes always are.
    """
    if not photos and not is_drawn(images.source):
        return lambda index, side: None
    numbers = {each.place: number for number, each in enumerate(images.pictures)}

    def photo(index: int, side: int) -> str | None:
        try:
            return webp(images.read(numbers[found.first.pictures[index].place], side).image, side, _QUALITY)
        except ClipDeskError:
            return None

    return photo


def _of_all(progress: Callable[[int, int], None], total: int, done: int, _: int) -> None:
    progress(done, total)


def _told(progress: Callable[[int, int], None], before: int, total: int, step: int) -> None:
    progress(before + step, total)


def last_pictures(frames: Iterator[Frame], progress: Callable[[int], None]) -> list[Image.Image]:
    """The pictures that a render ends in; `progress` is told each step."""
    frame = None
    for frame in frames:
        progress(frame.step)
    assert frame is not None, "a render has a step"
    return list(map(Image.fromarray, frame.images()))


def pooled_target(opened: OpenModel, layer: str, unit: int, pooling: Pooling) -> Unit | Combined:
    """A unit, to be rendered where its values are taken from in a pooling; as a mean where the layer has no such."""
    return _target(layer, unit, pooling if pooling in poolings_of(opened.inspector.layers[layer]) else "mean")


def _target(layer: str, unit: int, pooling: Pooling) -> Unit | Combined:
    target, at = Unit(layer=layer, index=unit), _POSITIONS[pooling]
    return target if at == "patches" else Combined(terms=(Term(what=target, at=at),))


def _measured(found: Comparison, each: Drifted) -> tuple[Measured, Measured]:
    layer = found.layer(each.layer.first)

    def of(statistics: UnitStatistics, unit: int) -> Measured:
        mean, deviation = float(statistics.means[unit]), float(statistics.deviations[unit])
        return Measured(statistics.layer, unit, mean, deviation, _POSITIONS[statistics.pooling])

    return of(layer.first, each.unit), of(layer.second, each.other)
