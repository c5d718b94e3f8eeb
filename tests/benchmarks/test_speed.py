import pytest
import torch
from clip.model import CLIP

from benchmarks import speed


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> CLIP:
    """The benchmark's model in small, with the layer that it looks at."""
    monkeypatch.setattr(speed, "SIDE", 64)
    return CLIP(16, 64, 6, 64, 32, 8, 64, 16, 1, 1).eval().float()


@pytest.fixture
def passes(small: CLIP, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each batch that the network has seen; the clock goes on by a second with each."""
    seen: list[int] = []

    def note(_: object, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.append(len(inputs[0]))

    small.get_submodule("visual.conv1").register_forward_pre_hook(note)
    monkeypatch.setattr("benchmarks.speed.time.perf_counter", lambda: float(len(seen)))
    return seen


def test_a_step_of_clipdesk_is_timed_after_the_warm_up(small: CLIP, passes: list[int]) -> None:
    run = speed.clipdesk(small, 2, "lucid", "cpu", "float32")
    passes.clear()
    assert run(4) == 1 / 2, "a second for each step, of two pictures"
    assert passes == [2] * (speed._WARM_UP + 4)


def test_a_pass_of_the_network_alone_is_timed_after_the_first(small: CLIP, passes: list[int]) -> None:
    run = speed.bare(small, 2, "cpu")
    passes.clear()
    assert run(4) == 1 / 2
    assert passes == [2] * 5


def test_seconds_are_for_each_step_and_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter((10.0, 22.0))
    monkeypatch.setattr("benchmarks.speed.time.perf_counter", lambda: next(ticks))
    assert speed.timed(3, 2, lambda: None) == 2.0
