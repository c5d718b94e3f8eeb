import pytest
import torch

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
