"""Properties of every job, setting, range and recipe, not only of hand-picked examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipdesk.errors import UsageError
from clipdesk.export.recipe import Activations, Recipe
from clipdesk.jobs.job import Job
from clipdesk.ranges import parse_range
from clipdesk.render.presets import PRESETS, make_settings
from clipdesk.render.settings import RenderSettings, limits
from clipdesk.render.targets import Target, Text, Unit

T = TypeVar("T")

settings.register_profile("steady", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("steady")

# Text as files and people hold it; half of a surrogate pair is none.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
numbers = st.floats(-1e6, 1e6)
units = st.builds(Unit, layer=texts, index=st.integers(0, 100_000))
targets: st.SearchStrategy[Target] = st.one_of(units, st.builds(Text, text=texts))


def _values(name: str) -> st.SearchStrategy[Any]:
    bounds = limits(name)
    if bounds is None:
        return st.just(getattr(RenderSettings(), name))
    return st.integers(int(bounds[0]), int(bounds[1])) if _is_whole(name) else st.floats(*bounds)


def _is_whole(name: str) -> bool:
    return RenderSettings.model_fields[name].annotation in (int, int | None)


render_settings = st.fixed_dictionaries({name: _values(name) for name in RenderSettings.model_fields}).map(
    RenderSettings.model_validate
)
recipes = st.builds(
    Recipe,
    clipdesk=st.just("0.1.0"),
    torch=st.just("2.15.0"),
    model=texts,
    weights=st.none() | st.from_regex(r"\A[0-9a-f]{64}\Z"),
    target=targets,
    settings=render_settings,
    steps=st.integers(1, 5000),
    activation=st.builds(Activations, start=numbers, end=numbers, best=numbers, picture=numbers),
    device=st.sampled_from(["cpu", "cuda:1", "mps"]),
    seconds=st.floats(0, 1e6),
    date=st.datetimes().map(lambda date: date.isoformat(timespec="milliseconds")),
)


def _tried(call: Callable[[], T]) -> T | None:
    """The result of a call; None if it raises a UsageError. Any other error is a fault."""
    with suppress(UsageError):
        return call()
    return None


@given(recipes)
def test_recipes_round_trip(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert Job.from_recipe(recipe).settings == recipe.settings


@given(st.text(max_size=300) | st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=5).map(repr))
def test_text_from_anywhere_is_a_recipe_or_a_usage_error(text: str) -> None:
    found = _tried(lambda: Recipe.from_json(text))
    assert found is None or Recipe.from_json(found.to_json()) == found


@given(texts, st.lists(targets, min_size=1, max_size=5), render_settings, st.none() | st.integers(0, 2**31 - 1))
def test_jobs_round_trip(model: str, wanted: list[Target], chosen: RenderSettings, seed_base: int | None) -> None:
    job = Job(model=model, targets=tuple(wanted), settings=chosen, seed_base=seed_base)
    assert Job.model_validate_json(job.model_dump_json()) == job


NUMERIC = tuple(name for name in RenderSettings.model_fields if limits(name) is not None)


def _bounds(name: str) -> tuple[float, float]:
    bounds = limits(name)
    assert bounds is not None
    return bounds


@st.composite
def _outside(draw: st.DrawFn, name: str) -> float:
    """A number just outside the limits of a setting, or far from them."""
    low, high = _bounds(name)
    if _is_whole(name):
        return draw(st.sampled_from([low - 1, high + 1, low - 1000, high * 1000 + 1]))
    return draw(st.sampled_from([math.nextafter(low, -math.inf), math.nextafter(high, math.inf), low - 1, high + 1]))


some_names = st.lists(st.sampled_from(NUMERIC), min_size=1, max_size=6, unique=True)


@given(st.sampled_from(sorted(PRESETS)), some_names, st.data())
def test_values_within_their_limits_are_taken(preset: str, names: list[str], data: st.DataObject) -> None:
    ends = {name: st.sampled_from([int(b) if _is_whole(name) else b for b in _bounds(name)]) for name in names}
    changes = {name: data.draw(ends[name] | _values(name), label=name) for name in names}
    made = make_settings(preset, **changes)
    kept = PRESETS[preset].settings.model_dump(exclude=set(names))
    assert made.model_dump() == {**kept, **changes}


@given(st.sampled_from(sorted(PRESETS)), some_names, st.data())
def test_one_value_outside_its_limits_is_refused_by_name(preset: str, names: list[str], data: st.DataObject) -> None:
    changes = {name: data.draw(_values(name), label=name) for name in names}
    changes[names[0]] = data.draw(_outside(names[0]), label=f"{names[0]}, outside")
    with pytest.raises(UsageError, match=f"^{names[0]} must be from .* to ") as refused:
        make_settings(preset, **changes)
    assert "\n" not in str(refused.value), "the others are not complained about"


@given(st.lists(st.integers(0, 199), min_size=1), st.integers(200, 300))
def test_a_list_of_numbers_is_that_range(chosen: list[int], count: int) -> None:
    assert parse_range(",".join(map(str, chosen)), count) == sorted(set(chosen))


@given(st.text("0123456789:,- al", max_size=20), st.integers(1, 50_000))
def test_any_text_is_a_range_within_the_layer_or_an_error(text: str, count: int) -> None:
    found = _tried(lambda: parse_range(text, count)) or []
    assert found == sorted(set(found))
    assert all(0 <= unit < count for unit in found)


@given(st.integers(0, 500), st.integers(1, 500), st.integers(1, 50))
def test_slices_are_those_of_python(start: int, length: int, step: int) -> None:
    expected = list(range(start, start + length, step))
    assert parse_range(f"{start}:{start + length}:{step}", 1001) == expected
    assert parse_range(f"{start} {start + length} {step}", 1001) == expected
