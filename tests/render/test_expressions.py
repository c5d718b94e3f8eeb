import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from clipdesk.errors import UsageError
from clipdesk.render.expressions import is_expression, parse_target
from clipdesk.render.readable import Decoder, Direction, ImageTarget, Others
from clipdesk.render.targets import Combined, Term, Text, Unit, terms_of

A, B = Unit(layer="visual.a", index=1), Unit(layer="visual.layer4.0", index=12)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('"a star"', Text(text="a star")),
        ("'a \"red\" star'", Text(text='a "red" star')),
        ("visual.a:1", A),
        ("visual.a:1@patches", A),
        ("0.5*visual.a:1 + 0.5 * visual.a:1", A),
        ('"a star" - "a circle"', (Term(what=Text(text="a star")), Term(what=Text(text="a circle"), weight=-1))),
        ("-visual.a:1", (Term(what=A, weight=-1),)),
        ("visual.a : 1 @max+2visual.layer4.0:12@7", (Term(what=A, at="max"), Term(what=B, weight=2, at=7))),
        ("visual.a:1@CLASS", (Term(what=A, at="class"),)),
        (
            "visual.a:1 - 1e-1*others(visual.a:1)",
            (Term(what=A), Term(what=Others(layer="visual.a", index=1), weight=-0.1)),
        ),
        (
            "0.5*decoder(visual.a:1)@max",
            (Term(what=Decoder(layer="visual.a", index=1), weight=0.5, at="max"),),
        ),
        ("visual.a:1 + visual.layer4.0:12 - visual.a:1", B),
    ],
)
def test_expressions_become_targets(text: str, wanted: Text | Unit | tuple[Term, ...]) -> None:
    target = parse_target(text)
    assert target == (Combined(terms=wanted) if isinstance(wanted, tuple) else wanted)
    assert parse_target(target.label if not isinstance(target, Text) or '"' not in target.text else text) == target
    assert is_expression(text)


@pytest.mark.parametrize(
    "text", ["a star", "it's", "the dogs'", "note: 5 apples", 'a "red" star', "", "2 cats - 1 dog"]
)
def test_a_plain_text_is_not_an_expression(text: str) -> None:
    assert not is_expression(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('"a star', "Cannot read '\"a star': the quote \" is not closed"),
        ('"a star" - 2*"a circle + visual.a:1', "Cannot read '\"a circle + visual.a:1': the quote \" is not closed"),
        ('\'a "red" star', "Cannot read ''a \"red\" star': the quote ' is not closed"),
    ],
)
def test_the_error_for_an_open_quote_names_only_the_quote(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "The target is empty"),
        ('"a star" "a circle"', "There is no + or - between two terms"),
        ('"a star" -', "A term is missing"),
        ("2*", "A term is missing"),
        ("+ - visual.a:1", "A term is missing"),
        ("visual.a:1@nowhere", "Cannot read '@nowhere'"),
        ("visual.a", "Cannot read 'visual.a'"),
        ('"a star', "Cannot read '\"a star'"),
        ('"  "', "A text is empty"),
        ('"a star" - "a star"', "Nothing is left"),
        ("0.1*visual.a:1 + 0.2*visual.a:1 - 0.3*visual.a:1", "Nothing is left"),
        ("0*visual.a:1", "visual.a:1: its weight is zero"),
        ("1e999*visual.a:1", "visual.a:1: input should be a finite number"),
        ('"a star"@max', '"a star": a text or an image has only one position'),
        (" + ".join(f"visual.a:{i}" for i in range(65)), "65 terms are too many"),
    ],
)
def test_an_expression_that_cannot_be_read_gives_an_error_of_one_line(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)


def test_directions_come_from_files(tmp_path: Path) -> None:
    np.save(tmp_path / "cats.npy", np.array([[1.0, 0.0, -2.5]], dtype=np.float32))
    (tmp_path / "dogs.txt").write_text("1, 2\n3")
    cats = parse_target(f"visual.a:[{tmp_path}/cats.npy]")
    assert terms_of(cats)[0].what == Direction(layer="visual.a", vector=(1.0, 0.0, -2.5), name="cats.npy")
    dogs = parse_target(f"2*visual.a:[{tmp_path}/dogs.txt]@class")
    assert dogs.label == "2*visual.a:[dogs.txt]@class"


def test_files_of_the_same_name_in_other_folders_are_not_alike(tmp_path: Path) -> None:
    for folder, number in (("a", "1 0"), ("b", "0 1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cats.txt").write_text(number)
    target = parse_target(f"visual.a:[{tmp_path}/a/cats.txt] - visual.a:[{tmp_path}/b/cats.txt]")
    assert [term.weight for term in terms_of(target)] == [1, -1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UsageError, match="it is not a regular file"):
        parse_target(f"visual.a:[{tmp_path}/pipe.txt]")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "Cannot read"),
        (b"", "tuple should have at least 1 item"),
        (b"0 0 0", "all its values are zero"),
        (b"1 nan", "not finite numbers"),
        (b"1 two", "it must hold numbers only"),
        (b"\xff\xfe", "it must hold numbers only"),
        (b"1 " * 2_000_001, "more than 4 MB"),
        (b"1 " * 70_000, "tuple should have at most 65536 items"),
    ],
)
def test_files_without_a_direction_are_refused(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    path = tmp_path / "x.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=complaint):
        parse_target(f"visual.a:[{path}]")


@pytest.mark.parametrize("array", [np.ones((2, 2)), np.array(["a"]), np.array([{}], dtype=object)])
def test_arrays_that_are_not_directions_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(UsageError, match="does not hold a direction"):
        parse_target(f"visual.a:[{tmp_path}/x.npy]")


def test_a_picture_keeps_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a cat.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert terms_of(parse_target("image:[a cat.png]"))[0].what == ImageTarget(path=str(tmp_path / "a cat.png"))
    assert is_expression("image:[a cat.png]")
    assert is_expression("-image: [a cat.png]")
    with pytest.raises(UsageError, match=r"Cannot read .*b\.png: No such file"):
        parse_target("image:[b.png]")
    with pytest.raises(UsageError, match="only one position"):
        parse_target("image:[a cat.png]@max")


def test_a_file_is_an_array_if_it_begins_like_one_whatever_its_name(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([3, 0]))
    (tmp_path / "a.npy").rename(tmp_path / "a.txt")
    (tmp_path / "b.npy").write_text("3 0")
    found = [terms_of(parse_target(f"visual.a:[{tmp_path}/{name}]"))[0].what for name in ("a.txt", "b.npy")]
    assert [direction.vector for direction in found if isinstance(direction, Direction)] == [(3.0, 0.0)] * 2


@pytest.mark.parametrize("keep", [0, 1, 5, 6, 8, 10, 40, 100, 127, 128, 130])
def test_a_truncated_array_is_refused(tmp_path: Path, keep: int) -> None:
    np.save(tmp_path / "a.npy", np.ones(8))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:keep])
    with pytest.raises(UsageError, match="does not hold a direction"):
        parse_target(f"visual.a:[{tmp_path}/a.npy]")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (" " * 70_000, "too long"),
        (f'"{"a" * 2_001}"', "A text of 2,001 characters is too long"),
        ('"a \udcff star"', "not Unicode"),
        (f"visual.a:{'9' * 5_000}", "too large"),
        (f"others(visual.a:{'9' * 5_000})", "too large"),
        (f"visual.a:1@{'9' * 5_000}", "too large"),
        ("image:[a\0b.png]", "Cannot read"),
        ("visual.a:[a\0b.npy]", "Cannot read"),
        (f"image:[{'a' * 300}.png]", "File name too long"),
    ],
)
def test_what_is_far_too_long_or_not_text_is_one_line(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        parse_target(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows such names")
@pytest.mark.parametrize("pattern", ["image:[{}]", "visual.a:[{}]"])
def test_a_file_whose_name_is_not_unicode_is_refused(tmp_path: Path, pattern: str) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.npy"))
    np.save(path, np.ones(4))
    with pytest.raises(UsageError, match="not Unicode"):
        parse_target(pattern.format(path))


def test_blanks_are_not_divided_in_all_possible_ways() -> None:
    started = time.process_time()
    for text in (" " * 60_000, "+" + " " * 60_000, "1" + " " * 60_000 + "x"):
        assert not is_expression(text)
    assert time.process_time() - started < 1
