"""What a check uses unless it is said, and the sentence on what renders have shown."""

from __future__ import annotations

import math

import pytest

from clipdesk.activations.checking.usual import thorough_in_words, usual_reader
from clipdesk.models.names import parse_name


def test_the_models_of_scenes_read_each_others_pictures() -> None:
    assert str(usual_reader(parse_name("demo"))) == "demo-rn"
    assert str(usual_reader(parse_name("demo-rn"))) == "demo"
    assert usual_reader(parse_name("photo")) is None
    assert usual_reader(parse_name("ViT-B/32")) is None
    assert usual_reader(None) is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            (0.82, 0.05, "star", 40.0),
            "other seeds show the same (cosine 0.82), pictures of shuffled weights are not like it (0.05), and "
            'the written word "star" does not excite its target (percentile 40)',
        ),
        (
            (0.2, 0.15, "star", 99.5),
            "other seeds show something else (cosine 0.20), pictures of shuffled weights are as like it (0.15), and "
            'the written word "star" excites its target, too (percentile 100)',
        ),
        ((0.5, math.nan, "", None), "other seeds show the same (cosine 0.50)"),
    ],
)
def test_what_was_found_is_said_for_and_against(found: tuple[float, float, str, float | None], words: str) -> None:
    assert thorough_in_words(*found) == f"Checked thoroughly: {words}"
