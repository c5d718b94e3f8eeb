from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from clip.model import CLIP
from torch import Tensor
from typing_extensions import override

import clipdesk
from clipdesk.errors import UsageError
from clipdesk.export.png import RECIPE_KEY, read_png
from clipdesk.export.recipe import Recipe
from clipdesk.jobs.visualizer import FeatureVisualizer
from clipdesk.models import loading
from clipdesk.models.names import Named, parse_name
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import default_pool
from clipdesk.render.custom import CustomObjective
from clipdesk.render.images import Parameterization
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings, preset_of
from clipdesk.render.settings import RenderSettings
from clipdesk.render.streams import RandomStreams
from clipdesk.render.targets import Unit
from tests.toy_parts import Grey

LAYER = "visual.transformer.resblocks.1.attn"


class Calls(list[tuple[int, int, float]]):
    """What a progress callback was called with."""

    def __call__(self, step: int, total: int, activation: float) -> None:
        self.append((step, total, activation))


def test_progress_is_reported_after_every_step(vit: CLIP) -> None:
    calls: list[tuple[int, int, float]] = []
    FeatureVisualizer(vit).generate_image(
        LAYER,
        3,
        num_iterations=3,
        progress_callback=lambda step, total, activation: calls.append((step, total, activation)),
    )
    assert [call[:2] for call in calls] == [(1, 3), (2, 3), (3, 3)]
    assert all(np.isfinite(call[2]) for call in calls)


@pytest.mark.parametrize(
    ("name", "preset"), [("demo", "standard"), ("ViT-B/32", "ghiasi"), ("RN50x4", "detailed"), (None, "standard")]
)
@pytest.mark.parametrize("known", ["given", "loaded"])
def test_python_begins_with_the_preset_that_the_command_line_begins_with(
    vit: CLIP, name: str | None, preset: str, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = None if name is None else parse_name(name)
    if found is not None and known == "loaded":
        monkeypatch.setitem(loading._names, vit, found)
    opened = OpenModel.of(vit, name=found) if known == "given" else vit
    made: list[RenderSettings] = []

    def keep(_model: CLIP, _targets: object, settings: RenderSettings, **_: object) -> None:
        made.append(settings)

    monkeypatch.setattr("clipdesk.jobs.visualizer.render", keep)
    monkeypatch.setattr("clipdesk.jobs.visualizer._last_picture", lambda *_: None)
    FeatureVisualizer(opened, "cpu").generate(f"{LAYER}:3", transforms=lambda pixels, _streams, _step: pixels)
    assert preset_of(made[0]) == preset


def test_the_engine_begins_with_it_too(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loading._names, vit, parse_name("ViT-B/32"))
    assert next(render(vit, [Unit(layer=LAYER, index=3)])).iterations == 400
    monkeypatch.delitem(loading._names, vit)
    assert next(render(vit, [Unit(layer=LAYER, index=3)])).iterations == 250


def test_a_loaded_model_is_known_by_its_name(checkpoint: Path) -> None:
    assert loading.name_of(loading.load_model(checkpoint, "cpu")) == parse_name(str(checkpoint))


def test_a_picture_carries_its_recipe_into_its_file(checkpoint: Path, tmp_path: Path) -> None:
    opened = clipdesk.open_model(checkpoint, "cpu")
    visualizer = FeatureVisualizer(opened)
    picture = visualizer.generate(f"{LAYER}:3", "draft", iterations=3, image_size=64, seed=5)
    clipdesk.save_picture(picture, tmp_path / "x.png")
    read = read_png(tmp_path / "x.png")
    assert (read.recipe.model, read.recipe.weights) == (str(opened.name), opened.sha256)
    assert (read.recipe.target.label, read.recipe.settings.seed, read.recipe.steps) == (f"{LAYER}:3", 5, 3)
    assert np.array_equal(read.pixels, np.asarray(picture))
    again = visualizer.generate(read.recipe.target, "draft", iterations=3, image_size=64, seed=5)
    assert np.array_equal(np.asarray(again), read.pixels)


def test_short_names_of_layers_are_the_same_layers(vit: CLIP) -> None:
    visualizer = FeatureVisualizer(vit, device="cpu")
    full = visualizer.generate_image(LAYER, 3, num_iterations=2, image_size=64)
    short = visualizer.generate_image("1.attn", 3, num_iterations=2, image_size=64)
    assert np.array_equal(np.asarray(full), np.asarray(short))
    assert visualizer.generate("1.attn:3", iterations=1, image_size=64).size == (64, 64)


def test_all_parameters_arrive(vit: CLIP) -> None:
    visualizer = FeatureVisualizer(vit, device="cpu")
    plain = visualizer.generate_image(LAYER, 3, num_iterations=6, image_size=64)
    assert plain.size == (64, 64)
    assert plain.mode == "RGB"
    changes: list[dict[str, float]] = [{"learning_rate": 0.5}, {"blur_every": 2}, {"tv_weight": 5.0}, {"seed": 1}]
    for change in changes:
        changed = visualizer.generate_image(LAYER, 3, num_iterations=6, image_size=64, **change)  # type: ignore[arg-type]
        assert not np.array_equal(np.asarray(plain), np.asarray(changed)), change
    again = visualizer.generate_image(LAYER, 3, num_iterations=6, image_size=64)
    assert np.array_equal(np.asarray(plain), np.asarray(again))


@pytest.mark.parametrize(
    ("layer", "neuron", "parameters", "message"),
    [
        (LAYER, -1, {}, "0 to 63"),
        (LAYER, 64, {}, "0 to 63"),
        ("visual.nothing", 0, {}, "no layer"),
        (LAYER, 0, {"image_size": 5000}, "image_size must be from 64 to 2048"),
        (LAYER, 0, {"num_iterations": 0}, "iterations must be from 1 to 5000"),
    ],
)
def test_wrong_arguments_are_refused(
    vit: CLIP, layer: str, neuron: int, parameters: dict[str, int], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        FeatureVisualizer(vit).generate_image(layer, neuron, **parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": 3}, "target must be what clipdesk.parse_target gives or a text, not 3"),
        ({"target": f"{LAYER}:3", "preset": 3}, "preset must be a text or a RenderSettings, not 3"),
        ({"target": f"{LAYER}:3", "preset": {}}, "preset must be a text or a RenderSettings, not of type dict"),
        ({"target": f"{LAYER}:3", "progress_callback": 3}, "progress_callback must be a function, not 3"),
        ({"objective": 3}, "objective must be a CustomObjective, not 3"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused(vit: CLIP, given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        FeatureVisualizer(vit).generate(**given)  # type: ignore[arg-type]
    assert str(raised.value) == message


def test_settings_of_ones_own_stand_in_a_presets_place(vit: CLIP) -> None:
    visualizer = FeatureVisualizer(vit)
    settings = make_settings("draft", iterations=4, noise=0.1)
    made = visualizer.generate(f"{LAYER}:3", settings, iterations=3)
    same = visualizer.generate(f"{LAYER}:3", "draft", iterations=3, noise=0.1)
    assert np.array_equal(np.asarray(made), np.asarray(same))
    assert np.array_equal(np.asarray(made), np.asarray(visualizer.generate_image(LAYER, 3, 3, preset=settings)))
    recipe = Recipe.from_json(made.info[RECIPE_KEY])
    assert (recipe.settings.iterations, recipe.settings.noise, recipe.settings.device) == (3, 0.1, "cpu")


# Parts of one's own


class Pixels(Parameterization):
    """Pictures that are grey at first."""

    def __init__(self, size: int, streams: RandomStreams) -> None:
        self.values = torch.full((len(streams), 3, size, size), 0.5).requires_grad_()

    @override
    def pixels(self) -> Tensor:
        return self.values.clamp(0, 1)


def test_a_parameterization_of_ones_own(vit: CLIP) -> None:
    calls = Calls()
    image = FeatureVisualizer(vit).generate(
        f"{LAYER}:3", "lucid", parameterization=Grey, progress_callback=calls, iterations=4, image_size=64
    )
    pixels = np.asarray(image)
    assert pixels.shape == (64, 64, 3)
    assert (pixels == pixels[..., :1]).all()
    assert len(np.unique(pixels)) > 10
    assert [call[:2] for call in calls] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_transforms_of_ones_own(vit: CLIP) -> None:
    calls, seen = Calls(), list[tuple[int, ...]]()

    def left_half(pixels: Tensor, streams: RandomStreams, step: int) -> Tensor:
        seen.append((step, len(streams), *pixels.shape))
        return F.interpolate(pixels[..., :32], size=(32, 32), mode="bilinear")

    visualizer = FeatureVisualizer(vit)
    image = visualizer.generate(
        f"{LAYER}:3",
        "lucid",
        transforms=left_half,
        progress_callback=calls,
        iterations=4,
        image_size=64,
        views=1,
        parameterization=Pixels,
    )
    assert [step for step, *_ in seen] == [1, 2, 3, 4]
    assert seen[0][1:] == (1, 1, 3, 64, 64)
    assert len(calls) == 4
    columns = np.asarray(image).astype(int).std(axis=(0, 2))
    assert columns[:32].min() > columns[32:].max(), "the network sees the left half alone, so only that changes"


def test_an_objective_of_ones_own_needs_no_target(vit: CLIP) -> None:
    calls = Calls()
    both = CustomObjective([LAYER], lambda outputs: outputs[LAYER][:, :, [3, 7]].mean(dim=1).amin(dim=1))
    visualizer = FeatureVisualizer(vit)
    image = visualizer.generate(objective=both, progress_callback=calls, iterations=12, image_size=64, views=1)
    assert image.size == (64, 64)
    assert len(calls) == 12
    assert calls[-1][2] > calls[0][2]
    with pytest.raises(UsageError, match="nothing to render"):
        visualizer.generate(iterations=1)


# Models


@pytest.fixture
def pool() -> Iterator[None]:
    default_pool.cache_clear()
    yield
    default_pool.cache_clear()


@pytest.mark.usefixtures("pool")
def test_a_model_is_opened_once_by_its_name() -> None:
    opened = clipdesk.open_model("demo", "cpu")
    assert isinstance(opened, OpenModel)
    assert (opened.name, str(opened.device), len(opened.sha256 or "")) == (Named("demo"), "cpu", 64)
    assert clipdesk.open_model("demo", "cpu") is opened
    assert FeatureVisualizer(opened).model is opened.network
    assert FeatureVisualizer("demo", "cpu").model is opened.network
    assert FeatureVisualizer(opened, "cpu").inspector is opened.inspector
    with pytest.raises(UsageError, match="There is no model or file 'dmo'"):
        clipdesk.open_model("dmo")


@pytest.mark.usefixtures("pool")
def test_an_open_model_gives_the_picture_that_its_network_gives(demo: CLIP) -> None:
    models = (clipdesk.open_model("demo", "cpu"), demo)
    opened, given = (FeatureVisualizer(model).generate_image("visual.conv1", 3, 2, image_size=64) for model in models)
    assert opened.tobytes() == given.tobytes()
