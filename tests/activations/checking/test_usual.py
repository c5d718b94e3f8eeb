"""What a check uses unless it is said, and the sentence on what renders have shown."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from clipdesk.activations.checking import usual
from clipdesk.activations.checking.usual import thorough_in_words, thorough_reader, usual_reader
from clipdesk.models.catalogue import SHOWPIECES
from clipdesk.models.learnt import concepts_for
from clipdesk.models.names import Named, parse_name


@pytest.mark.parametrize("model", SHOWPIECES)
def test_an_embedded_model_is_read_by_another_one_that_has_learnt_the_same_words(model: str) -> None:
    reader = usual_reader(parse_name(model))
    assert reader is not None
    assert str(reader) in SHOWPIECES
    assert str(reader) != model
    assert concepts_for(reader) == concepts_for(parse_name(model))


def test_a_sparse_autoencoder_changes_nothing_about_the_reader() -> None:
    assert usual_reader(parse_name("demo+sae:[shipped]")) == Named("demo-rn")


def test_no_other_model_has_a_reader_that_is_always_there() -> None:
    assert usual_reader(parse_name("ViT-B/32")) is None
    assert usual_reader(None) is None


@pytest.mark.parametrize(
    ("model", "here", "reader"),
    [
        ("ViT-B/32", ("RN50x4", "RN50", "ViT-B/32", "ViT-L/14"), "RN50"),
        ("ViT-B/32", ("ViT-L/14", "ViT-B/32"), "ViT-L/14"),
        ("ViT-B/32", ("ViT-B/32",), None),
        ("ViT-B/32+sae:[shipped]", ("RN101", "ViT-B/32"), "RN101"),
        ("RN50", ("RN50", "RN101", "ViT-B/32", "ViT-L/14"), "ViT-B/32"),
        ("RN50", ("RN50", "RN101"), "RN101"),
        ("photo", ("RN50", "ViT-B/32"), "photo-small"),
        ("demo", ("RN50", "ViT-B/32"), "demo-rn"),
        ("mine.pt", ("RN50", "ViT-B/32"), None),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", ("RN50", "ViT-B/32"), None),
    ],
)
def test_openais_models_are_read_by_another_one_that_is_here(
    model: str, here: tuple[str, ...], reader: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usual, "file_of", lambda name: Path(__file__) if name in here else Path("nowhere"))
    found = thorough_reader(parse_name(model))
    assert (None if found is None else str(found)) == reader


def test_of_a_network_without_a_name_no_reader_is_known() -> None:
    assert thorough_reader(None) is None


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
