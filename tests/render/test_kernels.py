import logging

import pytest
import torch
from torch import Tensor

from clipdesk.render import kernels
from clipdesk.render.kernels import quick_gelu


@pytest.mark.gpu
@pytest.mark.parametrize(("kind", "most"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_openais_rectifier_and_its_gradient(kind: torch.dtype, most: float) -> None:
    inputs = (4 * torch.randn(64, 33, device="cuda")).to(kind).requires_grad_()
    exact = inputs.detach().double().requires_grad_()
    torch.autograd.backward((exact * torch.sigmoid(1.702 * exact)).sum())
    found = quick_gelu(inputs)
    torch.autograd.backward(found.sum())
    assert inputs.grad is not None
    assert exact.grad is not None
    assert found.dtype == kind
    assert torch.allclose(found.double(), exact * torch.sigmoid(1.702 * exact), rtol=most, atol=most)
    assert torch.allclose(inputs.grad.double(), exact.grad, rtol=most, atol=most)


def test_where_nothing_can_be_compiled_torchs_own_is_taken_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_code: str, *_inputs: Tensor) -> Tensor:
        raise RuntimeError("Error in dlopen: libnvrtc.so.12: cannot open shared object file")

    kernels._compiles.cache_clear()
    monkeypatch.setattr(kernels, "_applied", fail)
    inputs = torch.randn(9)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert torch.equal(quick_gelu(inputs), inputs * torch.sigmoid(1.702 * inputs))
    kernels._compiles.cache_clear()
    assert [record.message for record in caplog.records] == [
        "cpu compiles no functions of ClipDesk's own; torch's are slower"
    ]
