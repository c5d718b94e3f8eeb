import pytest
import torch
from clip.model import CLIP, AttentionPool2d
from torch import Tensor, nn

from clipdesk.network.frozen import frozen
from clipdesk.network.normalization import normalized
from clipdesk.network.tower import Tower, _self_attention


def gradient(model: CLIP, tower: Tower | nn.Module, side: int) -> tuple[Tensor, Tensor]:
    """The tower's output and the gradient of its mean."""
    seen: list[Tensor] = []
    hook = model.visual.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    pixels = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)).requires_grad_()
    try:
        with frozen(model):
            tower(normalized(pixels))
    finally:
        hook.remove()
    torch.autograd.backward(seen[0].float().square().sum())
    assert pixels.grad is not None
    return seen[0].detach().float(), pixels.grad


@pytest.mark.parametrize(("kind", "side"), [("vit", 32), ("resnet", 64)])
@pytest.mark.parametrize(("half", "most"), [(False, 1e-4), (True, 0.02)])
def test_the_outputs_and_their_gradients_are_unchanged(
    kind: str, side: int, half: bool, most: float, request: pytest.FixtureRequest
) -> None:
    model: CLIP = request.getfixturevalue(kind)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        plain = gradient(model, model.visual, side)
    fast = gradient(model, Tower(model.visual, half=half), side)
    for found, expected in zip(fast, plain, strict=True):
        assert float((found - expected).norm() / expected.norm()) < most
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_tower_that_is_left_by_an_error_is_as_it_was(vit: CLIP) -> None:
    def fail(*_args: object) -> None:
        raise KeyError

    hook = vit.visual.register_forward_hook(fail)
    weights = list(vit.visual.parameters())
    with pytest.raises(KeyError):
        Tower(vit.visual, half=True)(torch.zeros(1, 3, 32, 32))
    hook.remove()
    assert "forward" not in vars(vit.visual.conv1)
    assert all(a is b for a, b in zip(weights, vit.visual.parameters(), strict=True))


def test_a_convolution_with_patches_that_overlap_is_left_alone(vit: CLIP) -> None:
    vit.visual.conv1 = nn.Conv2d(3, 64, 8, stride=4, bias=False).requires_grad_(False)
    seen: list[Tensor] = []
    vit.visual.conv1.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with pytest.raises(RuntimeError):  # more patches than the model has places for
        Tower(vit.visual)(torch.zeros(1, 3, 32, 32))
    assert seen[0].shape == (1, 64, 7, 7)


@pytest.mark.parametrize("half", [False, True])
def test_tokens_attend_to_each_other_as_in_torch(half: bool) -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(64, 4)
    tokens = torch.randn(17, 2, 64)
    own, ours = (tokens.clone().requires_grad_() for _ in range(2))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        expected = attention(own, own, own, need_weights=False)[0]
        found = _self_attention(attention, ours, ours, ours, need_weights=False)[0]
    for output in (expected, found):
        torch.autograd.backward(output.float().square().sum())
    assert own.grad is not None
    assert ours.grad is not None
    most = 0.02 if half else 1e-5
    assert float((found - expected).detach().norm() / expected.detach().norm()) < most
    assert float((ours.grad - own.grad).norm() / own.grad.norm()) < most


@pytest.mark.parametrize(("pictures", "batches"), [(1, {2}), (2, {2}), (3, {3})])
def test_a_single_picture_takes_the_way_of_a_batch_through_small_convolutions(
    resnet: CLIP, pictures: int, batches: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch computes a batch of one by other code, whose rounding makes another picture of a ResNet's."""
    seen: set[int] = set()
    convolve = nn.Conv2d.forward

    def forward(self: nn.Conv2d, inputs: Tensor) -> Tensor:
        if max(self.kernel_size) > 1:
            seen.add(len(inputs))
        return convolve(self, inputs)

    monkeypatch.setattr(nn.Conv2d, "forward", forward)
    inputs = torch.rand(pictures, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    outputs: list[Tensor] = []
    hook = resnet.visual.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        Tower(resnet.visual)(inputs)
    finally:
        hook.remove()
    assert seen == batches
    assert torch.allclose(outputs[0], resnet.visual(inputs), atol=1e-4)


def test_a_resnets_pool_takes_pictures_one_by_one(resnet: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    """The products of matrices in it are rounded differently for other numbers of pictures."""
    seen: list[int] = []
    pooled = AttentionPool2d.forward

    def forward(self: AttentionPool2d, maps: Tensor) -> Tensor:
        seen.append(len(maps))
        found: Tensor = pooled(self, maps)
        return found

    monkeypatch.setattr(AttentionPool2d, "forward", forward)
    outputs: list[Tensor] = []
    hook = resnet.get_submodule("visual.attnpool").register_forward_hook(
        lambda _module, _inputs, output: outputs.append(output)
    )
    try:
        Tower(resnet.visual)(torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    finally:
        hook.remove()
    assert (seen, [len(output) for output in outputs]) == ([1, 1, 1], [3])


def test_a_pool_of_that_name_may_have_options() -> None:
    class AttentionPool2d(nn.Module):
        def forward(self, maps: Tensor, pre_logits: bool = False) -> Tensor:
            return maps.sum(dim=(2, 3)) if pre_logits else maps

    class Visual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 4, 3)
            self.pool = AttentionPool2d()
            self.seen: list[Tensor] = []

        def forward(self, pixels: Tensor) -> None:
            self.seen.append(self.pool(self.conv1(pixels), pre_logits=True))

    visual = Visual()
    Tower(visual)(torch.zeros(2, 3, 8, 8))
    assert visual.seen[0].shape == (2, 4)
