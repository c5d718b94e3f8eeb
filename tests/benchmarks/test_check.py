"""The benchmark of the check: its AUCs, what weights of another model are worth, and the survey that it needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.check import Measured, auc, report
from benchmarks.check_pictures import all_series, survey_of
from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.second import Seen
from clipdesk.activations.questions.ranking import Rank
from clipdesk.network.pool import open_model
from tests.cli.surveys import photos

RIGHT = np.arange(40) % 2 == 0


def measured(seed: int) -> Measured:
    """Pictures of which the right ones are nearer, and nothing else tells them."""
    rng = np.random.default_rng(seed)
    near = np.where(RIGHT, 0.9, 0.1) + rng.normal(size=40) / 50
    checks = [
        Check(Rank(1.0, 99, 100, 1.0), 0, "units of the layer", 9, 0.9, each, 0.5, Seen("rn", each)) for each in near
    ]
    parts = {name: rng.random(40) for name in ("reader near", "kept", "path", "few higher", "percentile")}
    return Measured(RIGHT, np.arange(40) < 20, ["draft"] * 40, checks, {"score": near, "near": near, **parts})


def test_auc_counts_pairs_in_the_right_order() -> None:
    right = np.array([True, True, False, False])
    assert auc(np.array([0.9, 0.4, 0.5, 0.1]), right) == pytest.approx(0.75)
    assert auc(np.array([1e9, 1e9 + 1, 1e9, 1e9]), right) == pytest.approx(0.75), "ties count a half"


def test_the_report_has_the_score_its_parts_and_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    report({"demo": measured(0), "demo-rn": measured(1)})
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("score")).split()[1:] == ["1.00"] * 6
    fitted = next(line for line in lines if line.startswith("weights")).split()[-1]
    assert float(fitted) > 0.95
    assert "  trust: 20 pictures, 100 % named rightly" in lines
    assert "  no: 20 pictures, 0 % named rightly" in lines


def test_series_share_no_picture() -> None:
    one, other = all_series()
    assert not set(one.ways) & set(other.ways)
    assert one.order != other.order


def test_a_survey_that_is_missing_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    images = str(photos(tmp_path / "photos"))
    opened = open_model(checkpoint, "cpu")
    folder, survey = survey_of(opened, images)
    assert "visual.transformer.resblocks.1" in {layer for layer, _ in survey.statistics}
    assert survey_of(opened, images)[0] == folder
