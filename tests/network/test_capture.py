import pytest
import torch
from clip.model import CLIP
from torch import nn

from clipdesk.errors import UsageError
from clipdesk.network.capture import LayerCapture, NeuronActivationHook, pooled
from clipdesk.network.inspector import LayerInspector

ATTENTION = "visual.transformer.resblocks.1.attn"


def pictures(side: int, count: int = 3) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def outputs_of(model: CLIP, layer: str, inputs: torch.Tensor) -> torch.Tensor:
    """What torch's own hook sees."""
    seen: list[torch.Tensor] = []

    def keep(_module: nn.Module, _args: object, output: torch.Tensor | tuple[torch.Tensor, None]) -> None:
        seen.append((output[0] if isinstance(output, tuple) else output).clone())

    handle = model.get_submodule(layer).register_forward_hook(keep)
    model.encode_image(inputs)
    handle.remove()
    return seen[0]


def test_tokens_come_first_in_the_blocks(vit: CLIP, inspector: LayerInspector) -> None:
    info = inspector.visualizable(ATTENTION)
    captured = LayerCapture(vit, [info]).run(pictures(32))[ATTENTION]
    raw = outputs_of(vit, ATTENTION, pictures(32))
    assert captured.shape == (3, 17, 64)
    assert torch.allclose(captured, raw.transpose(0, 1), atol=1e-5)
    assert torch.allclose(pooled(captured, info), raw[1:].mean(dim=0), atol=1e-5), "without the class token"


@pytest.mark.parametrize(
    ("layer", "order"),
    [
        ("visual", (0, None, 1)),
        ("visual.conv1", (0, 2, 1)),
        ("visual.ln_pre", (0, 1, 2)),
        ("visual.transformer.resblocks.0.mlp.c_fc", (1, 0, 2)),
    ],
)
def test_every_layout_is_read_as_pictures_positions_units(
    vit: CLIP, inspector: LayerInspector, layer: str, order: tuple[int | None, ...]
) -> None:
    captured = LayerCapture(vit, [inspector.visualizable(layer)]).run(pictures(32))[layer]
    raw = outputs_of(vit, layer, pictures(32))
    raw = raw.flatten(2) if raw.ndim == 4 else raw
    wanted = raw[:, None] if None in order else raw.permute([axis for axis in order if axis is not None])
    assert torch.allclose(captured, wanted, atol=1e-5)


@pytest.mark.parametrize("layer", ["visual.bn1", "visual.layer1.0.bn2", "visual.layer3.0.conv2", "visual.attnpool"])
def test_channels_of_a_resnet_are_read_before_the_relu_that_works_in_place(resnet: CLIP, layer: str) -> None:
    info = LayerInspector(resnet).visualizable(layer)
    captured = LayerCapture(resnet, [info]).run(pictures(64))[layer]
    raw = outputs_of(resnet, layer, pictures(64))
    wanted = raw.flatten(2).mean(dim=2) if raw.ndim == 4 else raw
    assert torch.allclose(pooled(captured, info), wanted, atol=1e-5)


def test_both_layers_are_read_unchanged_when_the_second_works_in_place_on_the_first(resnet: CLIP) -> None:
    inspector = LayerInspector(resnet)
    infos = [inspector.visualizable("visual.bn1"), inspector.visualizable("visual.relu1")]
    outputs = LayerCapture(resnet, infos).run(pictures(64))
    assert outputs["visual.bn1"].min() < 0
    assert torch.allclose(outputs["visual.bn1"].clamp(min=0), outputs["visual.relu1"])


def test_the_pass_ends_at_the_deepest_layer_needed(vit: CLIP, inspector: LayerInspector) -> None:
    called: list[str] = []
    for name in ("visual.transformer.resblocks.0", "visual.transformer.resblocks.1", "visual.ln_post"):
        vit.get_submodule(name).register_forward_pre_hook(lambda _m, _a, name=name: called.append(name))
    LayerCapture(vit, [inspector.visualizable("visual.transformer.resblocks.0.mlp")]).run(pictures(32))
    assert called == ["visual.transformer.resblocks.0"]


def test_hooks_are_gone_afterwards_even_after_an_error(vit: CLIP, inspector: LayerInspector) -> None:
    layers = [inspector.visualizable(ATTENTION), inspector.visualizable(f"{ATTENTION}.heads")]
    with pytest.raises(RuntimeError):
        LayerCapture(vit, layers).run(torch.rand(1, 3, 31, 31))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in vit.modules())


def test_the_activation_hook_follows_every_pass(vit: CLIP) -> None:
    with NeuronActivationHook(vit, ATTENTION, 5) as hook:
        assert hook.activation is None
        vit.encode_image(pictures(32))
        first = hook.activation
        vit.encode_image(1 - pictures(32))
        second = hook.activation
    assert first is not None
    assert second is not None
    assert torch.allclose(first, outputs_of(vit, ATTENTION, pictures(32))[1:, :, 5].mean(dim=0), atol=1e-5)
    assert not torch.equal(first, second)
    assert not any(m._forward_hooks for m in vit.modules())


def test_the_activation_hook_checks_its_unit(vit: CLIP) -> None:
    with pytest.raises(UsageError, match="are 0 to 63"):
        NeuronActivationHook(vit, ATTENTION, 64)


@pytest.mark.parametrize("layer", ["visual.relu1", "visual.layer2.0.relu2", "visual.layer3.0", "visual.layer4"])
def test_a_resnets_unit_that_is_silent_has_a_way_to_wake_up(resnet: CLIP, layer: str) -> None:
    """Its ReLUs work in place, and a block ends in one: the value is theirs, the gradient goes past their flat part."""
    inspector = LayerInspector(resnet)
    pixels = torch.full((1, 3, 64, 64), 0.1, requires_grad=True)
    output = LayerCapture(resnet, [inspector.visualizable(layer)], leak=0.1).run(pixels)[layer]
    silent = int(output.detach()[0].mean(dim=0).argmin())
    assert output.min() >= 0
    dead = output[0, :, silent][output.detach()[0, :, silent] == 0]
    assert len(dead)
    dead.sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0


@pytest.mark.parametrize("leak", [0.0, 0.1, 0.5])
def test_the_share_of_the_gradient_that_was_asked_for_gets_past_the_rectifier(resnet: CLIP, leak: float) -> None:
    def gradient(layer: str, leak: float) -> torch.Tensor:
        pixels = pictures(64).requires_grad_()
        LayerCapture(resnet, [LayerInspector(resnet).visualizable(layer)], leak=leak).run(pixels)[
            layer
        ].sum().backward()
        assert pixels.grad is not None
        return pixels.grad

    wanted = gradient("visual.relu1", 0) + leak * gradient("visual.bn1", 0)
    assert torch.allclose(gradient("visual.relu1", leak), wanted, atol=1e-5)


def test_the_activation_hook_leaves_the_gradient_as_the_network_has_it(resnet: CLIP) -> None:
    pixels = pictures(64)
    plain, hooked = pixels.clone().requires_grad_(), pixels.clone().requires_grad_()
    parts = (resnet.get_submodule(f"visual.{name}") for name in ("conv1", "bn1", "relu1"))
    nn.Sequential(*parts)(plain)[:, 3].mean(dim=(1, 2)).sum().backward()
    with NeuronActivationHook(resnet, "visual.relu1", 3) as hook:
        resnet.encode_image(hooked)
    assert hook.activation is not None
    hook.activation.sum().backward()
    assert plain.grad is not None
    assert hooked.grad is not None
    assert torch.allclose(plain.grad, hooked.grad, atol=1e-6)
