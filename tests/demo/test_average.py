import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from clipdesk.demo.average import averaged, follow, main


def state(value: float, size: int = 2) -> dict[str, Tensor]:
    return {"weight": torch.full((size,), value, dtype=torch.float16), "steps": torch.tensor(3)}


def test_the_mean_keeps_types_and_integers() -> None:
    mean = averaged([state(1), state(2)])
    assert mean["weight"].dtype is torch.float16
    assert mean["weight"].tolist() == [1.5, 1.5]
    assert mean["steps"].item() == 3


def test_a_running_mean_follows_the_newest_weights_and_copies_counters() -> None:
    mean = {"weight": torch.zeros(2), "steps": torch.tensor(0)}
    follow(mean, {"weight": torch.full((2,), 4.0), "steps": torch.tensor(7)}, 0.25)
    assert mean["weight"].tolist() == [1.0, 1.0]
    assert mean["steps"].item() == 7


def test_other_architectures_are_refused() -> None:
    with pytest.raises(ValueError, match="one architecture"):
        averaged([state(1), state(2, size=3)])


def test_files_are_averaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("a.pt", 1.0), ("b.pt", 3.0)):
        torch.save(state(value), tmp_path / name)
    files = [str(tmp_path / name) for name in ("a.pt", "b.pt")]
    monkeypatch.setattr(sys, "argv", ["average", *files, "--output", str(tmp_path / "mean.pt")])
    main()
    assert torch.load(tmp_path / "mean.pt", weights_only=True)["weight"].tolist() == [2.0, 2.0]
