"""Checks as plain data."""

from __future__ import annotations

import math

import pytest

from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.second import Seen
from clipdesk.activations.questions.ranking import Rank
from clipdesk.errors import UsageError
from clipdesk.export.check_record import MAX_CHARS, CheckRecord

FOUND = Check(Rank(2.0, 4990, 5000, 1.4), 3, "units of the layer", 767, math.nan, 0.8, 0.5, Seen("demo-rn", 0.81234))


def test_a_record_has_what_was_found_and_comes_back_from_its_text() -> None:
    record = CheckRecord.of_check(FOUND, "demo-scenes-5000")
    assert (record.verdict, record.score, record.kept) == ("trust", 0.806, None)
    assert (record.percentile, record.times_best) == (99.8, 1.4)
    assert (record.higher, record.of, record.reader, record.reader_near) == (3, 767, "demo-rn", 0.812)
    assert record.reader_higher is None, "it is no text"
    assert record.why.startswith("a superstimulus")
    assert CheckRecord.from_json(record.model_dump_json()) == record


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"verdict": "trust"}', " " * (MAX_CHARS + 1)])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="its check"):
        CheckRecord.from_json(text)
