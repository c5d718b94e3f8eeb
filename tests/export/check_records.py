"""A check for tests that need one."""

from __future__ import annotations

from clipdesk.export.check_record import CheckRecord


def make_check(verdict: str = "doubt", why: str = "no other model has read it") -> CheckRecord:
    """What a check might find."""
    return CheckRecord.model_validate(
        {
            **{
                "clipdesk": "0.1.0",
                "date": "2026-11-29T10:00:00+00:00",
                "survey": "demo-scenes-5000",
                "pictures": 5000,
            },
            **{"verdict": verdict, "score": 0.5, "percentile": 99.9, "times_best": 1.2, "higher": 3, "of": 767},
            **{"kept": 0.9, "path": 0.4, "near": 0.5, "reader": None, "reader_near": None, "reader_higher": None},
            "why": why,
        }
    )
