import pytest
import torch
from clip.model import CLIP

from benchmarks import whole_layer

LAYER = "visual.transformer.resblocks.5.mlp"


def test_a_whole_layer_is_timed_and_compared_with_float32(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(whole_layer, "ITERATIONS", 2)
    monkeypatch.setattr(whole_layer, "COMPARED", 3)
    monkeypatch.setattr(whole_layer, "_PRODUCT", 64)
    model = CLIP(16, 64, 6, 64, 32, 8, 64, 16, 1, 1).eval().float()
    whole_layer.report(model, LAYER, "draft", [0.5, 0.25, 1.0])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"draft, 2 steps, {LAYER}, groups of 8"
    assert lines[2].startswith("all 64 units: ")
    # Its median step takes half a second, and a picture two of them.
    assert lines[3].startswith("torch-lucent: 60.00 pictures a minute; ClipDesk ")
    assert lines[5].startswith("activation against float32, 3 units: median ")


def test_a_matrix_product_counts_forward_and_backward() -> None:
    model = CLIP(16, 64, 6, 64, 32, 8, 64, 16, 1, 1).eval().float()
    first, second = (whole_layer._flops(model, f"visual.transformer.resblocks.{block}.mlp") for block in (0, 1))
    # A block: tokens to queries, keys, values, their mixing, and twice the hidden layer, each forward and back.
    products = 12 * 64 * 64 * 5
    assert second - first == pytest.approx(2 * 2 * products, rel=0.2)
