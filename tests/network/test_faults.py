import pytest
import torch

from clipdesk.errors import ClipDeskError, DeviceLostError, RenderError
from clipdesk.network.faults import explained

GPU = torch.device("cuda:0")
LAUNCH = "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported\n"


def told(error: Exception, pictures: int = 2) -> ClipDeskError:
    with pytest.raises(ClipDeskError) as caught, explained(pictures, GPU):
        raise error
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)."),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory: you tried"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA"),
    ],
)
def test_too_little_memory_is_told_however_torch_says_it(error: Exception) -> None:
    for pictures, advice in ((2, "2 pictures at once. Try fewer, or a smaller size"), (1, "1 picture at once. Try a")):
        found = told(error, pictures)
        assert isinstance(found, RenderError)
        assert advice in str(found)


@pytest.mark.parametrize("text", [LAUNCH, "CUDA error: device-side assert triggered", "HIP error: unknown"])
@pytest.mark.parametrize("kind", [RuntimeError, getattr(torch, "AcceleratorError", RuntimeError)])
def test_a_device_that_fails_is_told(kind: type[Exception], text: str) -> None:
    found = told(kind(text))
    assert isinstance(found, DeviceLostError)
    assert found.reason == f"The device cuda:0 has failed ({text.splitlines()[0]})"
    assert str(found) == f"{found.reason}. Nothing more can be rendered on it until ClipDesk is started again"


@pytest.mark.parametrize("kind", [RuntimeError, NotImplementedError])
def test_an_operation_that_torch_cannot_compute_is_reported_and_logged(
    kind: type[RuntimeError], caplog: pytest.LogCaptureFixture
) -> None:
    found = told(kind("The operator 'aten::x' is not there\nadvice"))
    assert isinstance(found, RenderError)
    assert str(found) == "The device cuda:0 could not compute a step (The operator 'aten::x' is not there)"
    assert "Traceback" in caplog.text


def test_other_errors_are_left_as_they_are() -> None:
    error = ValueError("x")
    with pytest.raises(ValueError, match="x") as caught, explained(1, GPU):
        raise error
    assert caught.value is error
