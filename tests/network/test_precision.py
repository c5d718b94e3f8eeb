import pytest
import torch
from clip.model import CLIP

from clipdesk.network import precision
from clipdesk.network.precision import Precision, fast_in_bfloat16, precision_of

CPU = torch.device("cpu")


@pytest.mark.parametrize("fast", [True, False])
def test_auto_is_bfloat16_where_pictures_stay_the_same_and_the_device_is_fast(
    fast: bool, vit: CLIP, resnet: CLIP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "fast_in_bfloat16", lambda _device: fast)
    assert precision_of("auto", vit, CPU) == ("bfloat16" if fast else "float32")
    assert precision_of("auto", resnet, CPU) == "float32"


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_an_explicit_precision_is_used(asked: Precision, vit: CLIP, resnet: CLIP) -> None:
    for model in (vit, resnet):
        assert precision_of(asked, model, CPU) == asked


@pytest.mark.parametrize(
    ("found", "fast"),
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx512_f": True, "avx512_bf16": False}, False)],
)
def test_a_cpu_says_whether_it_is_fast(found: dict[str, bool], fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)
    assert fast_in_bfloat16(CPU) is fast


def test_older_torch_and_other_devices_are_taken_for_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not fast_in_bfloat16(CPU)
    assert not fast_in_bfloat16(torch.device("mps"))
