"""Exporting a choice of pictures into a folder: their names there, and what becomes of files that are there already."""

from __future__ import annotations

import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from clipdesk.errors import UsageError
from clipdesk.export.recipe import Recipe
from clipdesk.filenames import safe_name

PATTERNS = ("{layer}_{unit}", "neuron_{unit}_{layer}_{date}", "{model}_{layer}_{unit}_seed{seed}", "{unit}")
"""Ways to name pictures; the first is the default."""
PLACEHOLDERS = ("model", "layer", "unit", "seed", "steps", "size", "activation", "date")
"""What may stand in braces in a pattern."""


class Existing(str, Enum):
    """What to do about a file that has a picture's name already."""

    NUMBER = "number"
    REPLACE = "replace"
    SKIP = "skip"


class Fate(str, Enum):
    """What is to become of a picture."""

    NEW = "new"
    NUMBERED = "gets a number"
    REPLACES = "replaces a file"
    LEFT = "exists, skipped"


@dataclass(frozen=True)
class Planned:
    """A picture's file's name, and what is to become of it."""

    name: str
    fate: Fate = Fate.NEW


def plan_export(
    recipes: Sequence[Recipe], pattern: str, taken: Collection[str], existing: Existing = Existing.NUMBER
) -> list[Planned]:
    """Name pictures in a folder; two of the choice never have the same name.

    Args:
        recipes: Of the pictures, in their order.
        pattern: Their names without ``.png``; `PLACEHOLDERS` in braces stand for what each recipe says.
        taken: Names of the files in the folder.
        existing: What to do about those.

    Raises:
        UsageError: the pattern is empty or has other placeholders.
    """
    check_pattern(pattern)
    # Windows and macOS take two names that differ in case for one.
    there = {name.casefold() for name in taken}
    given: set[str] = set()
    plan = []
    for recipe in recipes:
        stem = safe_name(pattern.format(**_fields(recipe))) or "picture"
        name, number = f"{stem}.png", 1
        is_taken = name.casefold() in there
        while name.casefold() in given or (existing is Existing.NUMBER and name.casefold() in there):
            number += 1
            name = f"{stem}-{number}.png"
        given.add(name.casefold())
        if name.casefold() in there:
            plan.append(Planned(name, Fate.REPLACES if existing is Existing.REPLACE else Fate.LEFT))
        else:
            plan.append(Planned(name, Fate.NUMBERED if is_taken and existing is Existing.NUMBER else Fate.NEW))
    return plan


def check_pattern(pattern: str) -> None:
    """Raise a UsageError that says what is wrong with a pattern for names, if something is."""
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError:
        raise UsageError(f"A brace in the name is not closed. Use: {known}") from None
    for _, field, form, conversion in parts:
        if field is not None and (field not in PLACEHOLDERS or form or conversion):
            raise UsageError(f"{{{field}}} is not a placeholder. Use: {known}")
    if not pattern.strip():
        raise UsageError(f"The name is empty. Use: {known}")


def _fields(recipe: Recipe) -> dict[str, str]:
    target = recipe.target
    size = recipe.settings.image_size
    return {
        "model": Path(recipe.model).stem,
        "layer": target.layer or target.kind,
        "unit": target.name,
        "seed": str(recipe.settings.seed),
        "steps": str(recipe.steps),
        "size": "" if size is None else str(size),
        "activation": f"{recipe.activation.picture:.3f}",
        # 2026-11-24T10:05:07.123+00:00 -> 20261124-100507
        "date": recipe.date[:19].replace("-", "").replace(":", "").replace("T", "-"),
    }
