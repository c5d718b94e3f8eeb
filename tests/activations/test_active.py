"""What is said of a latent in a picture."""

from __future__ import annotations

import pytest

from clipdesk.activations.active import Activity


@pytest.mark.parametrize(
    ("places", "positions", "words"),
    [
        (12, 64, "survives top-k (k = 32) at 12 of 64 positions, with up to 3.1"),
        (1, 1, "survives top-k (k = 32), with up to 3.1"),
        (0, 64, "does not survive top-k (k = 32): it is zero in this picture"),
    ],
)
def test_a_latent_survives_or_not(places: int, positions: int, words: str) -> None:
    found = Activity(value=3.1, places=places, positions=positions, activation="top-k (k = 32)")
    assert found.in_words == words
