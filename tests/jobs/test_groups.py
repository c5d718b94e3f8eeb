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


def test_this_machine_has_free_memory() -> None:
    assert free_bytes(CPU) > 10_000_000
