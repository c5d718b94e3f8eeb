import pytest
from clip.model import CLIP

from benchmarks import speed


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> CLIP:
    """The benchmark's model in small, with the layer that it looks at."""
    monkeypatch.setattr(speed, "SIDE", 64)
    return CLIP(16, 64, 6, 64, 32, 8, 64, 16, 1, 1).eval().float()


def test_clipdesk_and_the_network_alone_are_timed(small: CLIP) -> None:
    assert speed.clipdesk(small, 2, "lucid", "cpu", "float32")(2) > 0
    assert speed.bare(small, 2, "cpu")(2) > 0


def test_seconds_are_for_each_step_and_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter((10.0, 22.0))
    monkeypatch.setattr("benchmarks.speed.time.perf_counter", lambda: next(ticks))
    assert speed.timed(3, 2, lambda: None) == 2.0
