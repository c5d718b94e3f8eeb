"""Targets as plain data: what they are called, what they read, and which are refused."""

from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from clipdesk.render.expressions import parse_target
from clipdesk.render.targets import Combined, Direction, Target, Term, Text, Unit, files_of, layers_of, terms_of

UNIT = Unit(layer="visual.conv1", index=3)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (UNIT, "visual.conv1:3"),
        (Text(text="a star"), '"a star"'),
        (Combined(terms=(Term(what=UNIT, at="max"),)), "visual.conv1:3@max"),
        (Combined(terms=(Term(what=UNIT, weight=-1), Term(what=Text(text="a")))), '-visual.conv1:3 + "a"'),
        (
            Combined(terms=(Term(what=UNIT), Term(what=UNIT, weight=-0.5, at=7))),
            "visual.conv1:3 - 0.5*visual.conv1:3@7",
        ),
    ],
)
def test_a_label_is_written_as_it_is_parsed(target: Target, label: str) -> None:
    assert target.label == label
    assert parse_target(label) == target


def test_a_plain_target_is_a_sum_of_one_term() -> None:
    assert terms_of(UNIT) == (Term(what=UNIT, weight=1.0, at="patches"),)
    both = Combined(terms=(Term(what=UNIT), Term(what=Text(text="a"))))
    assert terms_of(both) == both.terms


def test_layers_are_named_in_the_order_of_the_terms() -> None:
    assert layers_of(UNIT) == ["visual.conv1"]
    assert layers_of(Text(text="a")) == ["visual"], "a text is read at the end of the vision tower"


def test_only_images_are_files_that_a_target_depends_on(tmp_path: Path) -> None:
    direction = Direction(layer="visual", vector=(1.0, 2.0), name="cats.npy")
    assert files_of(Combined(terms=(Term(what=direction),))) == []
    Image.new("RGB", (8, 8)).save(tmp_path / "cat.png")
    assert files_of(parse_target(f"image:[{tmp_path}/cat.png] - visual.conv1:3")) == [str(tmp_path / "cat.png")]


@pytest.mark.parametrize(
    ("term", "complaint"),
    [
        ({"what": UNIT, "weight": 0}, "zero"),
        ({"what": UNIT, "weight": float("nan")}, "finite"),
        ({"what": Text(text="a"), "at": "max"}, "text"),
        ({"what": UNIT, "at": -1}, "greater than or equal to 0"),
    ],
)
def test_terms_that_mean_nothing_are_refused(term: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Term.model_validate(term)


@pytest.mark.parametrize("vector", [(), (0.0, 0.0), (1.0, float("inf")), (float("nan"),)])
def test_a_direction_points_somewhere(vector: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Direction(layer="visual", vector=vector, name="v")


def test_targets_are_equal_by_value_and_cannot_be_changed() -> None:
    assert {UNIT, Unit(layer="visual.conv1", index=3)} == {UNIT}
    with pytest.raises(ValidationError):
        UNIT.index = 4  # type: ignore[misc]
