import copy
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from clip.model import CLIP, convert_weights
from PIL import Image

from clipdesk.errors import ClipDeskError, DeviceLostError, RenderError, UsageError
from clipdesk.network.placing import on_device
from clipdesk.render import loop, optimization
from clipdesk.render.expressions import parse_target
from clipdesk.render.loop import Frame, render
from clipdesk.render.presets import PRESETS, make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target, Text, Unit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
QUICK = make_settings(iterations=4, image_size=64, device="cpu")


def unit(index: int, layer: str = LAYER) -> Unit:
    return Unit(layer=layer, index=index)


def last(model: CLIP, targets: list[Target], settings: RenderSettings, seeds: list[int] | None = None) -> Frame:
    return list(render(model, targets, settings, seeds=seeds))[-1]


def test_there_is_a_frame_for_every_step(vit: CLIP) -> None:
    frames = list(render(vit, [unit(0), unit(1)], QUICK))
    assert [frame.step for frame in frames] == [1, 2, 3, 4]
    assert all(frame.activations.shape == (2,) and frame.activations.dtype == np.float32 for frame in frames)
    assert frames[-1].images().shape == (2, 64, 64, 3)
    assert frames[-1].clean_activations().shape == (2,)


# Ghiasi's first step, of rate 1, makes every pixel black or white, which excites a random network most; MACO looks at
# small crops, not at the whole picture.
@pytest.mark.parametrize("preset", sorted(PRESETS.keys() - {"ghiasi", "maco"}))
@pytest.mark.parametrize("layer", [LAYER, "visual.conv1", "visual.transformer.resblocks.0.attn.heads", "visual"])
def test_the_activation_rises(vit: CLIP, preset: str, layer: str) -> None:
    settings = make_settings(preset, iterations=40, noise=0, flatness=0, device="cpu")
    frames = render(vit, [unit(0, layer)], settings)
    first = next(frames).clean_activations()[0]
    rest = list(frames)
    assert rest[-1].clean_activations()[0] > first + 0.01


def test_a_picture_does_not_depend_on_its_neighbours(vit: CLIP) -> None:
    among = last(vit, [unit(3), unit(7), unit(200), unit(5, "visual.conv1")], QUICK, [10, 11, 12, 13])
    alone = last(vit, [unit(7)], QUICK, [11])
    assert np.abs(among.images()[1].astype(int) - alone.images()[0]).max() <= 1
    assert among.activations[1] == pytest.approx(alone.activations[0], abs=1e-4)


@pytest.mark.parametrize("preset", ["draft", "lucid", "classic", "standard"])
@pytest.mark.parametrize("layer", ["visual.layer3", "visual"])
def test_a_resnets_picture_does_not_depend_on_its_neighbours(resnet: CLIP, preset: str, layer: str) -> None:
    settings = make_settings(preset, iterations=6, device="cpu")
    among = last(resnet, [unit(index, layer) for index in (3, 7, 20)], settings, [10, 11, 12])
    alone = last(resnet, [unit(7, layer)], settings, [11])
    assert np.abs(among.images()[1].astype(int) - alone.images()[0]).max() <= 1
    assert among.activations[1] == pytest.approx(alone.activations[0], rel=1e-3, abs=1e-5)


def test_units_of_several_layers_keep_their_order(vit: CLIP) -> None:
    targets: list[Target] = [unit(7), unit(5, "visual.conv1"), unit(3)]
    frame = last(vit, targets, QUICK)
    for i, target in enumerate(targets):
        assert frame.activations[i] == pytest.approx(last(vit, [target], QUICK).activations[0], abs=1e-4)


def test_the_seed_decides(vit: CLIP) -> None:
    first, again, other = (last(vit, [unit(7)], QUICK, [seed]).images() for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [64, 100, 512])
def test_the_size_is_the_one_asked_for(vit: CLIP, size: int) -> None:
    frame = last(vit, [unit(1)], make_settings(iterations=1, image_size=size, device="cpu"))
    assert frame.images().shape == (1, size, size, 3)


def test_the_size_is_the_models_by_default(vit: CLIP) -> None:
    assert last(vit, [unit(1)], make_settings(iterations=1, device="cpu")).images().shape == (1, 32, 32, 3)


def test_a_resnets_positions_are_fixed_and_the_size_is_the_one_asked_for(resnet: CLIP) -> None:
    target = Unit(layer="visual.attnpool", index=3)
    for size, wanted in ((None, 64), (100, 100)):
        frame = last(resnet, [target], make_settings(iterations=1, image_size=size, device="cpu"))
        assert frame.images().shape == (1, wanted, wanted, 3)


def test_text_is_a_cosine_that_rises(vit: CLIP) -> None:
    settings = make_settings(iterations=30, noise=0, device="cpu")
    curve = [float(frame.activations[0]) for frame in render(vit, [Text(text="a star")], settings)]
    assert -1 <= curve[0] < curve[-1] <= 1


def test_the_blur_smooths(vit: CLIP) -> None:
    def roughness(blur_every: int) -> float:
        settings = make_settings(
            "classic", iterations=20, blur_every=blur_every, blur_sigma=2, tv_weight=0, device="cpu"
        )
        return float(np.abs(np.diff(last(vit, [unit(1)], settings).images().astype(int), axis=1)).mean())

    assert roughness(3) < 0.7 * roughness(0)


def test_bfloat16_renders_much_the_same(vit: CLIP) -> None:
    exact, fast = (last(vit, [unit(1)], QUICK.model_copy(update={"precision": p})) for p in ("float32", "bfloat16"))
    assert fast.activations[0] == pytest.approx(exact.activations[0], abs=0.05)
    assert exact.activations[0] != fast.activations[0]


def test_the_users_model_is_left_as_it_was(vit: CLIP) -> None:
    vit.train()
    vit.requires_grad_(True)
    weights = copy.deepcopy(vit.state_dict())
    frames = render(vit, [unit(1)], QUICK)
    next(frames)
    frames.close()
    assert vit.training
    assert all(p.requires_grad and p.grad is None for p in vit.parameters())
    assert all(torch.equal(value, weights[name]) for name, value in vit.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in vit.modules())


def test_a_float16_model_is_rendered_in_float32_and_kept(vit: CLIP) -> None:
    convert_weights(vit)
    assert np.isfinite(last(vit, [unit(1)], QUICK).activations).all()
    assert vit.get_parameter("visual.conv1.weight").dtype == torch.float16


def test_a_float16_resnet_is_rendered_in_float32_and_kept(resnet: CLIP) -> None:
    convert_weights(resnet)
    frame = last(resnet, [Unit(layer="visual.layer3.0", index=3)], QUICK)
    assert np.isfinite(frame.activations).all()
    assert resnet.get_parameter("visual.conv1.weight").dtype == torch.float16


def test_an_activation_that_is_not_a_number_ends_the_render(vit: CLIP) -> None:
    vit.get_parameter("visual.conv1.weight").fill_(float("nan"))
    with pytest.raises(RenderError, match="not a number at step 1"):
        list(render(vit, [unit(1)], QUICK))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), RuntimeError("[..] can't allocate memory: [..]")])
def test_too_little_memory_is_reported(vit: CLIP, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(optimization, "transformed", fail)
    with pytest.raises(RenderError, match="not enough memory for 2 pictures"):
        list(render(vit, [unit(1), unit(2)], QUICK))


def test_a_device_that_fails_in_a_step_is_reported(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = render(vit, [unit(1)], QUICK)
    next(frames)

    def fail(*_: object) -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with more")

    monkeypatch.setattr(optimization, "transformed", fail)
    with pytest.raises(DeviceLostError, match=r"has failed \(CUDA error: device-side assert triggered\)"):
        next(frames)


def test_too_little_memory_for_a_frame_or_for_the_model_is_reported(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    frame = next(render(vit, [unit(1), unit(2)], QUICK))
    monkeypatch.setattr(optimization, "resized", fail)
    with pytest.raises(RenderError, match="not enough memory for 2 pictures"):
        frame.clean_activations()
    monkeypatch.setattr(optimization, "tiled", fail)
    with pytest.raises(RenderError, match="not enough memory for 2 pictures"):
        frame.images()
    monkeypatch.setattr(loop, "on_device", fail)
    with pytest.raises(RenderError, match="not enough memory for 1 picture at once"):
        render(vit, [unit(1)], QUICK)


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_float16_weights_on_a_gpu_are_copied_to_float32_there(kind: str, request: pytest.FixtureRequest) -> None:
    """`clip.load` leaves them so on CUDA and MPS; torch's device without memory stands for either."""
    model: CLIP = request.getfixturevalue(kind)
    convert_weights(model)
    gpu = torch.device("meta")
    copied = on_device(model, gpu)
    assert copied is not model
    assert {(p.dtype, p.device) for p in copied.parameters()} == {(torch.float32, gpu)}
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    assert model.get_parameter("visual.conv1.weight").dtype == torch.float16
    there = model.to(gpu)
    assert {p.dtype for p in on_device(there, gpu).parameters()} == {torch.float32}
    whole = copied.float()
    assert on_device(whole, gpu) is whole


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([], "nothing to render"),
        ([unit(256)], "neurons are 0 to 255"),
        ([unit(0, "visual.nothing")], "no layer 'visual.nothing'"),
        ([unit(0, "visual.transformer.resblocks.0.attn.out_proj")], "never called"),
        ([Text(text="star " * 99)], "too long"),
    ],
)
def test_wrong_targets_are_refused_at_once(vit: CLIP, targets: list[Target], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        render(vit, targets, QUICK)


def test_a_device_that_is_not_there_is_refused_at_once(vit: CLIP) -> None:
    with pytest.raises(ClipDeskError, match="is not there"):
        render(vit, [unit(0)], make_settings(device="cuda:77"))


def test_seeds_must_match_the_targets(vit: CLIP) -> None:
    with pytest.raises(UsageError, match="1 targets but 2 seeds"):
        render(vit, [unit(0)], QUICK, seeds=[1, 2])


def test_gradient_descent_without_adam_climbs(vit: CLIP) -> None:
    settings = make_settings(optimizer="sgd", learning_rate=1.0, iterations=30, noise=0.0, scale=0.0, rotate=0.0)
    frames = list(render(vit, [unit(0)], settings))
    assert frames[-1].activations[0] > frames[0].activations[0]


def test_regularisers_that_are_on_are_reported(vit: CLIP) -> None:
    on = next(iter(render(vit, [unit(0), unit(1)], make_settings(tv_weight=0.5, flatness=0))))
    assert on.penalties["total variation"].shape == (2,)
    assert (on.penalties["total variation"] > 0).all()
    assert next(iter(render(vit, [unit(0), unit(1)], make_settings("lucid")))).penalties == {}


def test_a_picture_begins_as_the_settings_say(vit: CLIP, tmp_path: Path) -> None:
    half = np.zeros((40, 60, 3), np.uint8)
    half[20:] = 200
    Image.fromarray(half).save(tmp_path / "half.png")
    for kind in ("fourier", "pixel", "resolutions"):
        settings = make_settings(
            parameterization=kind, iterations=1, learning_rate=1e-4, start=str(tmp_path / "half.png"), device="cpu"
        )
        image = last(vit, [unit(0)], settings).images()[0].astype(int)
        assert image[:12].mean() < 20
        assert abs(image[20:].mean() - 200) < 20
        grey = last(vit, [unit(0)], settings.model_copy(update={"start": "grey"})).images()[0]
        assert abs(grey.astype(int) - 128).max() < 12


def test_a_start_image_that_cannot_be_read_is_reported(vit: CLIP, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no")
    with pytest.raises(UsageError, match="is not an image"):
        list(render(vit, [unit(0)], make_settings(start=str(tmp_path / "no.png"))))


@pytest.mark.parametrize("change", [{"start": "grey"}, {"stages": 2}])
def test_maco_begins_with_noise_only(vit: CLIP, change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="maco begins with noise"):
        render(vit, [unit(0)], make_settings("maco", **change))


@pytest.mark.parametrize("kind", ["fourier", "pixel", "resolutions"])
def test_stages_grow_and_go_on_from_what_was_reached(vit: CLIP, kind: str) -> None:
    settings = make_settings(
        parameterization=kind, iterations=9, image_size=64, stages=3, learning_rate=1e-4, start="grey", device="cpu"
    )
    frames = render(vit, [unit(0), unit(1)], settings)
    sides = []
    for frame in frames:
        sides.append(frame.images().shape[1])
        assert abs(frame.images().astype(int) - 128).max() < 12, "no jump"
    assert sides == [16] * 3 + [32] * 3 + [64] * 3


def test_pixels_that_the_network_never_looks_at_are_transparent(vit: CLIP) -> None:
    place = parse_target("visual.conv1:3@5")  # the second patch of the second row, 8 px wide
    settings = make_settings("classic", iterations=3, tv_weight=0, transparency="gradients", device="cpu")
    alphas = last(vit, [place, unit(0)], settings).alphas()
    assert alphas is not None
    assert alphas.shape == (2, 32, 32)
    assert alphas.dtype == np.uint8
    seen = np.zeros((32, 32), bool)
    seen[8:16, 8:16] = True
    assert alphas[0][~seen].max() == 0
    assert alphas[0][seen].max() == 255
    assert last(vit, [unit(0)], QUICK).alphas() is None


def test_adams_second_beta_counts(vit: CLIP) -> None:
    made = [last(vit, [unit(0)], make_settings(iterations=6, second_momentum=beta)).images() for beta in (0.9, 0.999)]
    assert not np.array_equal(made[0], made[1])


def test_the_log_says_where_and_how_pictures_are_rendered(vit: CLIP, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        next(render(vit, [unit(0), unit(1)], make_settings(iterations=1, precision="float32", device="cpu")))
    assert "2 pictures on cpu, the network in float32, steps taken one by one" in caplog.messages
