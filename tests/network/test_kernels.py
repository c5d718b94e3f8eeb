import logging

import pytest
import torch
from torch import Tensor

from clipdesk.network import kernels
from clipdesk.network.kernels import quick_gelu


@pytest.mark.parametrize(
    ("device", "compiles"),
    [
        ("cpu", True),
        pytest.param("cuda", True, marks=pytest.mark.gpu),
        pytest.param("cuda", False, marks=pytest.mark.gpu),
    ],
)
@pytest.mark.parametrize(("kind", "most"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_openais_rectifier_and_its_gradient(
    kind: torch.dtype, most: float, device: str, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiles:
        monkeypatch.setattr(kernels, "_compiles", lambda _device: False)
    drawn = torch.randn(64, 33, generator=torch.Generator().manual_seed(0))
    inputs = (4 * drawn).to(device, kind).requires_grad_()
    exact = inputs.detach().double().requires_grad_()
    torch.autograd.backward((exact * torch.sigmoid(1.702 * exact)).sum())
    found = quick_gelu(inputs)
    torch.autograd.backward(found.sum())
    assert inputs.grad is not None
    assert exact.grad is not None
    assert found.dtype == kind
    assert torch.allclose(found.double(), exact * torch.sigmoid(1.702 * exact), rtol=most, atol=most)
    assert torch.allclose(inputs.grad.double(), exact.grad, rtol=most, atol=most)


def test_a_gpu_that_compiles_nothing_is_known_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_code: str, *_inputs: Tensor) -> Tensor:
        raise RuntimeError("Error in dlopen: libnvrtc.so.12: cannot open shared object file")

    kernels._compiles.cache_clear()
    monkeypatch.setattr(kernels, "_applied", fail)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert not kernels._compiles(torch.device("cpu"))
    kernels._compiles.cache_clear()
    assert [record.message for record in caplog.records] == [
        "cpu cannot compile ClipDesk's own functions; torch's are slower"
    ]
