"""Checkpoints that are refused: one line, exit code 1, nothing left behind; and archives that the user trusts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clipdesk.models import trust
from clipdesk.network.pool import default_pool
from tests.archives import make_archive
from tests.cli.conftest import Command
from tests.conftest import VIT_LAYER, small_vit

QUICK = ["--layer", VIT_LAYER, "--iterations", "1"]


@pytest.fixture(autouse=True)
def _nothing_is_allowed_or_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())
    default_pool.cache_clear()


@pytest.fixture
def archive(clipdesk: Command) -> str:
    make_archive(clipdesk.folder / "jit.pt")
    return "jit.pt"


def _save(state: object) -> Callable[[Path], None]:
    return lambda path: torch.save(state, path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.touch, "it is empty"),
        (lambda path: path.write_bytes(b"\x80\x02cposix\nsystem\n."), "is not a CLIP checkpoint"),
        (_save({"weight": torch.zeros(3)}), "is of another network"),
        (_save(small_vit().state_dict() | {"visual.proj": torch.full((64, 32), torch.nan)}), "not a number"),
        (_save({**small_vit().state_dict(), "visual.proj": torch.zeros(3, 3)}), "has the shape 3 x 3"),
        (_save(Path), "it holds more than weights"),
        (make_archive, "is a TorchScript archive"),
    ],
)
@pytest.mark.parametrize("command", ["layers", "render --text a", f"batch --layer {VIT_LAYER} --neuron-range 0 3 1"])
def test_a_checkpoint_that_is_refused(
    clipdesk: Command, make: Callable[[Path], object], reason: str, command: str
) -> None:
    make(clipdesk.folder / "x.pt")
    outcome = clipdesk(*command.split(), "--model", "x.pt")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert outcome.err.startswith(f"Error: {clipdesk.folder / 'x.pt'} ")
    assert reason in outcome.err
    assert clipdesk.files() == ["x.pt"]


@pytest.mark.parametrize("command", ["layers", f"neurons --layer {VIT_LAYER}", "render --text a --iterations 1"])
def test_an_archive_that_is_trusted(clipdesk: Command, archive: str, command: str) -> None:
    assert clipdesk(*command.split(), "--model", archive, "--trust-archive").code == 0


def test_a_batch_of_an_archive_continues_in_the_queue_only_with_trust(
    clipdesk: Command, archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ["batch", *QUICK, "--neuron-range", "0", "2", "1", "--model", archive, "--trust-archive"]
    with monkeypatch.context() as patch:
        patch.setattr("clipdesk.cli.working.follow", lambda *_: None)
        assert clipdesk(*batch).code == 0
    # Like another process.
    monkeypatch.setattr(trust, "_allowed", set())
    default_pool.cache_clear()
    outcome = clipdesk("queue", "run")
    assert outcome.code == 1
    assert "is a TorchScript archive" in outcome.err
    assert clipdesk("queue", "retry", "1").code == 0
    assert "2 rendered, 0 skipped, 0 failed" in clipdesk("queue", "run", "--trust-archive").err


def test_a_picture_is_rendered_again_with_an_archive_only_with_trust(clipdesk: Command, archive: str) -> None:
    first = ["render", *QUICK, "--neuron", "1", "--model", archive, "--trust-archive", "--output", "a.png"]
    assert clipdesk(*first).code == 0
    trust._allowed.clear()
    default_pool.cache_clear()
    again = ["render", "--from", "a.png", "--output", "b.png"]
    assert "is a TorchScript archive" in clipdesk(*again).err
    assert clipdesk(*again, "--trust-archive").code == 0


def test_safetensors_are_a_model(clipdesk: Command) -> None:
    import safetensors.torch

    safetensors.torch.save_file(small_vit().state_dict(), clipdesk.folder / "x.safetensors")
    assert VIT_LAYER in clipdesk("layers", "--model", "x.safetensors?heads=1").out
    shutil.copy(clipdesk.folder / "x.safetensors", clipdesk.folder / "y.pt")
    assert VIT_LAYER in clipdesk("layers", "--model", "y.pt?heads=1").out
