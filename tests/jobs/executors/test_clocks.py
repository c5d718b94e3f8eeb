"""Clocks of other computers."""

import pytest

from clipdesk.jobs.executors.clocks import ahead, complaint


@pytest.mark.parametrize(
    ("its", "seconds"), [(100.0, 0), (105.0, 0), (110.0, 0), (99.0, -1), (111.5, 1.5), (-500.0, -600), (4_000.0, 3_890)]
)
def test_a_clock_is_wrong_if_it_is_outside_of_the_time_that_the_answer_took(its: float, seconds: float) -> None:
    assert ahead(its, asked=100.0, answered=110.0) == seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (61, "a minute ahead"),
        (-200, "3 minutes behind"),
        (7_200, "2 hours ahead"),
        (-5_400, "90 minutes behind"),
        (31_536_000 * 3, "1,095 days ahead"),
    ],
)
def test_it_is_said_by_how_much(seconds: float, said: str) -> None:
    line = complaint("lab 7", seconds)
    assert line.startswith(f"The clock of lab 7 is {said}. ")


@pytest.mark.parametrize("seconds", [0, 60, -60])
def test_clocks_that_nearly_agree_are_not_worth_a_line(seconds: float) -> None:
    assert complaint("lab 7", seconds) == ""
