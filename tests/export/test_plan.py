from pathlib import Path

import pytest
from pathvalidate import is_valid_filename

from clipdesk.errors import UsageError
from clipdesk.export.plan import PATTERNS, PLACEHOLDERS, Existing, Fate, Planned, plan_export
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Text, Unit
from tests.recipes import make_recipe

SETTINGS = make_settings(seed=7, device="cpu")
RECIPES = [make_recipe(Unit(layer="visual.a", index=i), SETTINGS, model="/models/my model.pt") for i in (3, 4)]


def names(plan: list[Planned]) -> list[str]:
    return [planned.name for planned in plan]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{layer}_{unit}", ["visual.a_3.png", "visual.a_4.png"]),
        ("{model}-{seed}-{unit}", ["my model-7-3.png", "my model-7-4.png"]),
        ("all", ["all.png", "all-2.png"]),
        ("a/{unit}?", ["a-3-.png", "a-4-.png"]),
    ],
)
def test_names_follow_the_pattern(pattern: str, expected: list[str]) -> None:
    plan = plan_export(RECIPES, pattern, [])
    assert names(plan) == expected
    assert {planned.fate for planned in plan} == {Fate.NEW}


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        (Existing.NUMBER, [Planned("visual.a_3-3.png", Fate.NUMBERED), Planned("visual.a_4.png")]),
        (Existing.REPLACE, [Planned("visual.a_3.png", Fate.REPLACES), Planned("visual.a_4.png")]),
        (Existing.SKIP, [Planned("visual.a_3.png", Fate.LEFT), Planned("visual.a_4.png")]),
    ],
)
def test_an_existing_file_gets_a_numbered_twin_is_replaced_or_is_skipped(
    existing: Existing, expected: list[Planned]
) -> None:
    taken = ["Visual.A_3.PNG", "visual.a_3-2.png", "other.txt"]
    assert plan_export(RECIPES, "{layer}_{unit}", taken, existing) == expected


@pytest.mark.parametrize("existing", Existing)
def test_two_exported_pictures_never_share_a_name(existing: Existing) -> None:
    plan = plan_export(RECIPES * 3, "{layer}", ["visual.a.png", "visual.a-4.png"], existing)
    assert len({name.casefold() for name in names(plan)}) == 6


@pytest.mark.parametrize("pattern", ["", "  ", "{nothing}", "{unit", "{unit!r}", "{unit:>9}", "{}", "{unit.x}"])
def test_a_wrong_pattern_is_explained(pattern: str) -> None:
    with pytest.raises(UsageError, match=r"Use: \{model\}, \{layer\}"):
        plan_export(RECIPES, pattern, [])


@pytest.mark.parametrize("pattern", [*PATTERNS, *(f"{{{name}}}" for name in PLACEHOLDERS)])
@pytest.mark.parametrize("hostile", ["../../etc/passwd", "CON", "x" * 500, "{unit}{layer}", "a\x00\n|b", "…"])
def test_a_hostile_recipe_cannot_name_a_file_outside_the_folder(tmp_path: Path, pattern: str, hostile: str) -> None:
    targets: list[Target] = [Unit(layer=hostile, index=1), Text(text=hostile)]
    plan = plan_export([make_recipe(target, SETTINGS, model=hostile) for target in targets], pattern, [])
    for name in names(plan):
        assert is_valid_filename(name, platform="universal")
        assert (tmp_path / name).parent == tmp_path
        (tmp_path / name).touch()
