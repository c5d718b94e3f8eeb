"""Pictures, checked one after the other. Takes torch along."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clipdesk.activations.checking import Check, check_picture
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.statistics import Pooling
from clipdesk.cli.asked import Asked, ask, unit_of
from clipdesk.cli.output import say
from clipdesk.cli.terminal import show
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.png import read_recipe
from clipdesk.models.names import find_name
from clipdesk.network.layer_names import short_layer
from clipdesk.render.targets import Unit

_Subject = tuple[Wanted, tuple[str, int], str | None]


def check(files: Sequence[Path], unit: str | None, pooling: Pooling | None, as_json: bool, wanted: Wanted) -> None:
    """Check pictures, and print a row for each; one that cannot be checked never stops the others."""
    rows, failed = [], False
    surveys: dict[tuple[str, tuple[str, int]], Asked] = {}
    for file in files:
        try:
            subject, own, weights = _subject(file, unit, wanted)
            key = str(subject.model), own
            if key not in surveys:
                surveys[key] = ask(subject, unit=own)
            rows.append(_row(file, surveys[key], own, weights, pooling))
        except ClipDeskError as error:
            failed = True
            named = str(error).startswith(str(file))
            say(f"{error}" if named else f"{file}: {error}", err=True)
    if rows:
        optional = ("units_higher", "kept", "path")
        show(rows, key=("file", "verdict", "why"), title="Checked", as_json=as_json, optional=optional)
    if failed:
        raise SystemExit(UsageError.exit_code if not rows else ClipDeskError.exit_code)


def _subject(file: Path, unit: str | None, wanted: Wanted) -> _Subject:
    """Which survey is asked about which unit for a picture, and of which weights the picture is, if that is known."""
    if unit is not None:
        return wanted, unit_of(unit), None
    try:
        recipe = read_recipe(file)
    except UsageError as error:
        raise UsageError(f"{error}. Name the unit that it is to show: --unit LAYER:UNIT") from None
    target = recipe.target
    if not isinstance(target, Unit):
        raise UsageError(f"It shows {target.label}, and only pictures of single units can be checked")
    model = wanted.model if wanted.given else find_name(recipe.model)
    return replace(wanted, model=model, given=True), (target.layer, target.index), recipe.weights


def _row(
    file: Path, asked: Asked, unit: tuple[str, int], weights: str | None, pooling: Pooling | None
) -> dict[str, object]:
    of_model = weights == asked.opened.sha256 and asked.survey.weights == asked.opened.plain
    if weights is not None and weights != asked.survey.weights and not of_model:
        raise UsageError("It was rendered on other weights than those of the survey")
    layer = asked.layer(unit[0])
    shown = ShownPictures(asked.folder, asked.survey, asked.opened.side)
    found = check_picture(asked.opened, asked.survey, layer, unit[1], file, read=shown.read, pooling=pooling)
    return _as_row(file, f"{short_layer(layer)}:{unit[1]}", found)


def _as_row(file: Path, unit: str, found: Check) -> dict[str, object]:
    return {
        "file": file.name,
        "unit": unit,
        "verdict": found.verdict,
        "score": round(found.score, 3),
        "percentile": round(100 * found.rank.share, 2),
        "times_best": _number(found.rank.ratio),
        "units_higher": found.higher,
        "kept": _number(found.kept),
        "path": _number(found.path),
        "why": found.in_words.partition(": ")[2],
    }


def _number(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
