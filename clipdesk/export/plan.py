"""Plan of an export: the names of the pictures in the folder, and the fate of existing files."""

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
"""Patterns for names of pictures; the first is the default."""
PLACEHOLDERS = ("model", "layer", "unit", "seed", "steps", "size", "activation", "date")
"""The placeholders of a pattern, written in braces."""


class Existing(str, Enum):
    """What to do if a file with the picture's name exists."""

    NUMBER = "number"
    REPLACE = "replace"
    SKIP = "skip"


class Fate(str, Enum):
    """The fate of a picture in an export."""

    NEW = "new"
    NUMBERED = "gets a number"
    REPLACES = "replaces a file"
    LEFT = "exists, skipped"


@dataclass(frozen=True)
class Planned:
    """The file name of a picture in an export, and its fate."""

    name: str
    fate: Fate = Fate.NEW


def plan_export(
    recipes: Sequence[Recipe], pattern: str, taken: Collection[str], existing: Existing = Existing.NUMBER
) -> list[Planned]:
    """Name the pictures of an export; two of them never have the same name.

    Args:
        recipes: Recipes of the pictures, in their order.
        pattern: Pattern of the names without ``.png``; `PLACEHOLDERS` in braces stand for values of each recipe.
        taken: Names of the files in the folder.
        existing: What to do about those files.

    Raises:
        UsageError: the pattern is empty or contains other placeholders.
    """
    check_pattern(pattern)
    # On Windows and macOS, names that differ only in case are the same.
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
    """Check a pattern for names.

    Raises:
        UsageError: the pattern is empty, has an open brace, or contains an unknown placeholder.
    """
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
