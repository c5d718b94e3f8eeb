"""The benchmark of a head: a small queue, drained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.head import cost


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says how much memory there was at most")
def test_a_queue_is_drained_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    found = cost(tmp_path, units=21, workers=3, group=2, layers=2, jobs=2)
    assert len(list((tmp_path / "out").glob("*.png"))) == 21
    assert found.messages >= 21
    assert 0 < found.first < found.head + found.simulated
    assert 0 < found.before <= found.most
    assert "21 units, 3 workers" in str(found)
