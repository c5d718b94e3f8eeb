import pytest

from clipdesk.errors import UsageError
from clipdesk.ranges import describe_range, parse_range, runs_of


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0:768:8", list(range(0, 768, 8))),
        ("0 64 8", list(range(0, 64, 8))),
        ("5 8", [5, 6, 7]),
        ("3,5,9-12", [3, 5, 9, 10, 11, 12]),
        (" 9-12 , 3 ", [3, 9, 10, 11, 12]),
        ("7", [7]),
        (":3", [0, 1, 2]),
        ("766:", [766, 767]),
        ("::256", [0, 256, 512]),
        ("all", list(range(768))),
        ("3,3,2-4", [2, 3, 4]),
    ],
)
def test_ranges_are_read(text: str, units: list[int]) -> None:
    assert parse_range(text, 768) == units


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "'x' is not a range. Write 0:768:8, 0 768 8, or 3,5,9-12"),
        ("3,", "A number is missing"),
        ("-3", "is not a range"),
        ("1.5", "is not a range"),
        ("9-3", "'9-3' is empty"),
        ("4:4", "is empty"),
        ("0:9:0", "The step in '0:9:0' must be 1 or more"),
        ("768", "There is no unit 768: the last one is 767"),
        ("0:800", "There is no unit 799: the last one is 767"),
        ("9" * 40, "There is no unit 9999"),
    ],
)
def test_wrong_ranges_are_explained(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.split("(")[0]):
        parse_range(text, 768)


def test_a_range_in_words() -> None:
    assert describe_range([1, 2, 3]) == "1, 2, 3"
    assert describe_range(list(range(0, 768, 8))) == "0, 8, 16 … 760"


def test_neighbours_are_joined() -> None:
    assert runs_of([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 7), (9, 10)]
    assert runs_of([]) == []
