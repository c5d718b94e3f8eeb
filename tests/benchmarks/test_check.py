"""The benchmark of the check: what it needs is said, and nearness in another model tells like from unlike."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from benchmarks.check import nearness, survey_of
from clipdesk.errors import UsageError
from clipdesk.models.loading import load_model
from clipdesk.network.opened import open_model


def test_a_survey_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    with pytest.raises(UsageError, match="clipdesk survey scenes:5000 --model demo"):
        survey_of(open_model("demo", "cpu"))


def test_a_picture_is_nearer_to_its_like() -> None:
    model = load_model("demo-rn").float()
    greens = [Image.new("RGB", (side, side), (20, 160, 40)) for side in (64, 128, 200)]
    alike, other = (nearness(model, Image.new("RGB", (96, 96), color), greens) for color in ("green", "red"))
    assert alike > 0.9 > other
    assert nearness(model, greens[0], greens) == pytest.approx(1, abs=0.01)
