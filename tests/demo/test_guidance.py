import pytest
import torch

from clipdesk.demo.guidance import LESSONS, Guidance, _on_grid
from clipdesk.demo.recipes import RECIPES, build_model


def test_the_patches_learn_the_features_of_the_teacher_at_their_positions() -> None:
    teacher, student = (build_model(RECIPES[name], 50, 0) for name in ("demo-rn", "demo"))
    guidance = Guidance(teacher.eval().requires_grad_(False), student)
    pixels = torch.rand(4, 3, 128, 128)
    optimizer = torch.optim.Adam([*student.parameters(), *guidance.mappings.parameters()], lr=3e-3)
    losses = []
    for _ in range(8):
        for half in pixels.split(2):
            student.visual(half)
        loss = guidance.loss(pixels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    last = max(LESSONS.values())
    taught, later = (
        student.visual.get_parameter(f"transformer.resblocks.{block}.mlp.c_proj.weight") for block in (last, last + 1)
    )
    assert taught.grad is not None
    assert later.grad is None
    assert all(p.grad is None for p in teacher.parameters())


def test_the_teacher_sees_repeated_pictures_once() -> None:
    teacher, student = (build_model(RECIPES[name], 50, 0) for name in ("demo-rn", "demo"))
    guidance = Guidance(teacher.eval().requires_grad_(False), student)
    looks: list[int] = []
    teacher.visual.register_forward_pre_hook(lambda _module, inputs: looks.append(len(inputs[0])))
    losses = []
    for pixels in (first := torch.rand(2, 3, 128, 128), first, torch.rand(3, 3, 128, 128)):
        student.visual(pixels)
        losses.append(float(guidance.loss(pixels).detach()))
    assert looks == [2, 3]
    assert losses[0] == pytest.approx(losses[1])
    assert losses[2] != pytest.approx(losses[1])


def test_only_a_transformer_can_be_guided() -> None:
    teacher = build_model(RECIPES["demo-rn"], 50, 0).eval()
    with pytest.raises(TypeError, match="only a transformer"):
        Guidance(teacher, teacher)


def test_a_coarser_stage_teaches_groups_of_patches() -> None:
    patches = torch.arange(16.0).view(1, 16, 1)
    assert _on_grid(patches, 16).equal(patches)
    assert _on_grid(patches, 4).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
