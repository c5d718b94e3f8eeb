"""What each target says of itself, and the JSON that recipes and queues keep it in."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from clipdesk.render.expressions import parse_target
from clipdesk.render.readable import ImageTarget
from clipdesk.render.targets import Combined, Target, Term, Text, Unit, terms_of

UNIT = Unit(layer="visual.conv1", index=12)
SUM = Combined(
    terms=(Term(what=Text(text="a star")), Term(what=ImageTarget(path="/photos/cat.png"), weight=-0.5), Term(what=UNIT))
)


def test_a_unit_describes_itself() -> None:
    assert (UNIT.layer, UNIT.index, UNIT.seed_offset) == ("visual.conv1", 12, 12)
    assert UNIT.stem == "neuron_12_visual.conv1"
    assert UNIT.sort_key == ("visual.conv1", 12)
    assert (UNIT.short(one_layer=True), UNIT.short(one_layer=False)) == ("12", "visual.conv1:12")
    assert (UNIT.files, UNIT.reads) == ((), ("visual.conv1",))


@pytest.mark.parametrize(
    ("target", "stem", "label"),
    [
        (Text(text="a star!"), "text_a-star", '"a star!"'),
        (Text(text="?"), "text_target", '"?"'),
        (SUM, "combined_a-star-0-5-image-cat-png-visual-conv1-12", '"a star" - 0.5*image:[cat.png] + visual.conv1:12'),
    ],
)
def test_other_targets_describe_themselves(target: Text | Combined, stem: str, label: str) -> None:
    assert (target.layer, target.index, target.seed_offset) == (None, None, 0)
    assert target.stem == stem
    assert target.sort_key == (label, 0)
    assert target.short(one_layer=True) == target.short(one_layer=False) == label


def test_the_file_of_a_negative_target_has_another_name_than_that_of_the_positive_one() -> None:
    positive = Combined(terms=(Term(what=UNIT, at="max"),))
    negative = Combined(terms=(Term(what=UNIT, at="max", weight=-1),))
    assert positive.stem == "combined_visual-conv1-12-max"
    assert negative.stem == "combined_minus-visual-conv1-12-max"


def test_a_sum_reads_the_layers_and_files_of_its_terms() -> None:
    assert SUM.reads == ("visual", "visual", "visual.conv1")
    assert SUM.files == ("/photos/cat.png",)


@pytest.mark.parametrize(
    "json",
    [
        '{"kind":"unit","layer":"visual.conv1","index":3}',
        '{"kind":"text","text":"a star"}',
        '{"kind":"combined","terms":[{"what":{"kind":"picture","path":"/a.png"},"weight":1.0,"at":"patches"},'
        '{"what":{"kind":"others","layer":"visual.conv1","index":3},"weight":-2.0,"at":"max"},'
        '{"what":{"kind":"direction","layer":"visual.conv1","vector":[1.0,0.5],"name":"v.npy"},"weight":1.0,"at":7}]}',
    ],
)
def test_the_json_of_earlier_versions_is_read_and_written_alike(json: str) -> None:
    targets: TypeAdapter[Target] = TypeAdapter(Target)
    assert targets.dump_json(targets.validate_json(json)).decode() == json


def test_a_file_of_an_expression_is_a_file_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"png")
    assert parse_target(f"image:[{tmp_path}/a.png]").files == (str(tmp_path / "a.png"),)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (UNIT, "visual.conv1:12"),
        (Text(text="a star"), '"a star"'),
        (Combined(terms=(Term(what=UNIT, at="max"),)), "visual.conv1:12@max"),
        (Combined(terms=(Term(what=UNIT, weight=-1), Term(what=Text(text="a")))), '-visual.conv1:12 + "a"'),
        (
            Combined(terms=(Term(what=UNIT), Term(what=UNIT, weight=-0.5, at=7))),
            "visual.conv1:12 - 0.5*visual.conv1:12@7",
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


def test_targets_are_equal_by_value_and_cannot_be_changed() -> None:
    assert {UNIT, Unit(layer="visual.conv1", index=12)} == {UNIT}
    with pytest.raises(ValidationError):
        UNIT.index = 4  # type: ignore[misc]
