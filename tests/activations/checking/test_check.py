"""Verdicts and their words."""

from __future__ import annotations

import math

import pytest

from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.second import Seen
from clipdesk.activations.questions.ranking import Rank

GOOD = Rank(2.0, 5000, 5000, 1.4)
UNITS = "units of the layer"
SEEN = Seen("demo-rn", 0.8)


def found(
    rank: Rank = GOOD,
    *,
    higher: int = 1,
    kept: float = 0.9,
    near: float = 0.8,
    path: float = 0.8,
    seen: Seen | None = SEEN,
) -> Check:
    return Check(rank, higher, UNITS, 768, kept, near, path, seen)


@pytest.mark.parametrize(
    ("check", "verdict", "words"),
    [
        (found(), "trust", "a superstimulus"),
        (found(Rank(1.0, 4990, 5000, 0.9)), "trust", "more than 99.8 % of 5,000 pictures"),
        (found(higher=30), "trust", "; but 30 of 768 units of the layer stand higher in it"),
        (found(path=0.1), "trust", "another way through the layers"),
        (found(seen=Seen("rn", 0.9, 4, 30)), "trust", "to rn 4 of 30 concepts stand higher in it"),
        (found(kept=0.3), "doubt", "leave 30 % of the activation"),
        (found(near=0.5), "doubt", "only somewhat like the pictures"),
        (found(seen=Seen("demo-rn", 0.1)), "doubt", "to demo-rn it is not like"),
        (found(near=0.1), "doubt", "to its own model it is not like"),
        (found(seen=Seen("demo-rn", math.nan)), "doubt", "demo-rn does not tell the pictures"),
        (found(seen=None), "doubt", "no other model has read it"),
        (found(Rank(0.5, 4700, 5000, 0.4)), "doubt", "more than 94.0 %"),
        (found(near=0.1, seen=Seen("demo-rn", 0.2)), "no", "it is not like the pictures"),
        (found(near=0.1, seen=None), "no", "it is not like the pictures"),
        (found(Rank(0.0, 400, 5000, math.nan), kept=math.nan), "no", "more than 8.0 %"),
        (found(kept=-0.1), "no", "leave 0 % of the activation"),
    ],
)
def test_the_verdict_names_its_reasons(check: Check, verdict: str, words: str) -> None:
    assert check.verdict == verdict
    assert check.in_words.startswith(verdict.capitalize())
    assert words in check.in_words


def test_the_score_is_the_mean_of_what_is_known_within_its_ends() -> None:
    assert found(near=0.6, seen=Seen("rn", 0.2)).score == pytest.approx(0.4)
    assert found(near=1.6, seen=Seen("rn", -0.2)).score == pytest.approx(0.5)
    assert found(near=0.6, seen=Seen("rn", math.nan)).score == found(near=0.6, seen=None).score == 0.6
    assert math.isnan(found(near=math.nan, seen=None).score)


def test_where_only_a_second_model_is_missing_it_is_said_what_the_first_has_found() -> None:
    tops = "the pictures that excite the target most"
    only = f"Doubt: only because no other model has read it; its own finds it like {tops} (nearness 0.80 of 1)"
    check = found(Rank(1.0, 4990, 5000, 0.5), seen=None)
    assert check.is_only_unread
    assert check.beside_rank == only
    assert check.in_words == f"{only}; it excites the target more than 99.8 % of 5,000 pictures; 0.5 x the best"
    assert "does not tell the pictures" in found(seen=None, near=math.nan).beside_rank


def test_a_picture_with_other_doubts_does_not_pass_for_one_that_is_only_unread() -> None:
    for check in (
        found(seen=None, near=0.5),
        found(seen=None, higher=30),
        found(seen=None, path=0.1),
        found(Rank(0.5, 4700, 5000, 0.4), seen=None),
        found(seen=Seen("rn", math.nan)),
        found(),
    ):
        assert not check.is_only_unread
        assert "only because" not in check.in_words + check.beside_rank
    assert found(seen=None, higher=30).in_words.startswith("Doubt: no other model has read it; 30 of 768")


def test_top_pictures_that_are_not_alike_leave_a_doubt() -> None:
    check = found(near=math.nan, seen=Seen("rn", math.nan))
    assert check.verdict == "doubt"
    assert "rn does not tell" in check.in_words


def test_beside_the_rank_the_verdict_does_not_say_it_again() -> None:
    assert found().beside_rank == "Trust"
    assert found(higher=30).beside_rank == "Trust, but 30 of 768 units of the layer stand higher in it"
    assert found(near=0.5).beside_rank.startswith("Doubt: it is only somewhat like")
