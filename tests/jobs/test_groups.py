from types import SimpleNamespace

import psutil
import pytest
import torch
from clip.model import CLIP

from clipdesk.errors import RenderError, UsageError
from clipdesk.jobs import groups
from clipdesk.jobs.groups import find_group_size, fitting, free_bytes
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit

CPU = torch.device("cpu")
LAYER = "visual.transformer.resblocks.1.mlp.gelu"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    memory = {"bytes": 1_000_000}
    monkeypatch.setattr(groups, "free_bytes", lambda _device: memory["bytes"])
    return memory


@pytest.mark.parametrize(
    ("each", "device", "size"),
    [
        (1, "cpu", 8),
        (1, "cuda", 128),
        (100_000, "cpu", 2),
        (8_000, "cuda", 30),
        (10**12, "cuda", 1),
        (0, "cpu", 8),
    ],
)
def test_a_group_fits_the_free_memory(free: dict[str, int], each: int, device: str, size: int) -> None:
    assert fitting(each, torch.device(device)) == size


def test_the_size_comes_from_a_step_of_the_target(vit: CLIP, free: dict[str, int]) -> None:
    inspector, settings = LayerInspector(vit), make_settings(device="cpu", views=1)
    shallow = Unit(layer="visual.conv1", index=0)
    deep = Unit(layer=LAYER, index=0)
    sizes = [find_group_size(vit, settings, inspector, target) for target in (shallow, deep)]
    free["bytes"] *= 3
    assert 1 <= sizes[1] < sizes[0] <= 8
    assert find_group_size(vit, settings, inspector, deep) > sizes[1]
    with pytest.raises(UsageError, match="There is no layer"):
        find_group_size(vit, settings, inspector, Unit(layer="visual.nowhere", index=0))


def test_a_picture_that_fails_leaves_it_to_the_groups(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise RenderError("out of memory")

    monkeypatch.setattr(groups, "picture_bytes", fail)
    target: Target = Unit(layer=LAYER, index=0)
    assert find_group_size(vit, make_settings(device="cpu"), LayerInspector(vit), target) == 8


def test_the_free_memory_of_a_cpu_is_what_can_be_had_without_swapping(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SimpleNamespace(total=16_000, available=7_000, free=1_000, used=9_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert free_bytes(CPU) == 7_000


def test_what_torch_has_reserved_and_does_not_use_counts_as_free_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (5_000, 80_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 3_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 1_000)
    assert free_bytes(torch.device("cuda")) == 7_000


@pytest.mark.parametrize(("allocated", "free"), [(2_000, 8_000), (12_000, 0)])
def test_the_free_memory_of_apple_s_gpu_is_never_below_zero(
    monkeypatch: pytest.MonkeyPatch, allocated: int, free: int
) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 10_000)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: allocated)
    assert free_bytes(torch.device("mps")) == free
