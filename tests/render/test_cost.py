from collections.abc import Iterator

import pytest
from clip.model import CLIP

from clipdesk.network.inspector import LayerInspector
from clipdesk.render import cost
from clipdesk.render.cost import Cost, measure_cost, picture_bytes
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Unit


def test_costs_scale_with_pictures_groups_steps_and_depth() -> None:
    found = Cost(fixed=1.0, per_picture=2.0, shallow=0.2, picture_bytes=100)
    assert found.seconds(pictures=1, iterations=1, group=8) == 3
    assert found.seconds(pictures=16, iterations=10, group=8) == 10 * (2 + 32)
    assert found.seconds(pictures=16, iterations=10, group=8, depth=0.5) == pytest.approx(0.6 * 10 * (2 + 32))
    assert found.bytes(pictures=3, group=8) == 300
    assert found.bytes(pictures=99, group=8) == 800


def test_a_larger_picture_costs_more_memory(vit: CLIP) -> None:
    inspector = LayerInspector(vit)
    small = measure_cost(vit, make_settings(image_size=64), inspector)
    large = measure_cost(vit, make_settings(image_size=512), inspector)
    assert small is not None
    assert large is not None
    assert small.per_picture > 0
    assert large.picture_bytes > small.picture_bytes > 64 * 64 * 3 * 4


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_measuring_gives_way(kind: str, request: pytest.FixtureRequest) -> None:
    model: CLIP = request.getfixturevalue(kind)
    assert measure_cost(model, make_settings(), LayerInspector(model), stop=lambda: True) is None


def test_memory_is_that_of_all_views_and_of_the_last_stage(vit: CLIP) -> None:
    inspector = LayerInspector(vit)
    target = Unit(layer=inspector.get_layer_names()[0], index=0)

    def kept(**changes: object) -> int:
        return picture_bytes(vit, make_settings("classic", image_size=256, scale=0.1, **changes), inspector, target)

    assert kept(stages=4) == kept()
    assert kept(views=8) > 3 * kept()


def test_captured_steps_on_a_gpu_are_timed_with_one_picture_and_with_many(
    vit: CLIP, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, first = LayerInspector(vit).get_layer_names()[:2]
    seconds, asked = {(whole, 1): 10.0, (whole, 16): 13.0, (first, 16): 6.5}, []

    def frames(_model: CLIP, targets: list[Unit], settings: RenderSettings, **_: object) -> Iterator[None]:
        asked.append((len(targets), settings.iterations))
        for step in range(settings.iterations):
            if step == 5:
                clock[0] += seconds[targets[0].layer, len(targets)]
            yield None

    clock = [0.0]
    monkeypatch.setattr(cost, "repeats_steps", lambda _device: True)
    monkeypatch.setattr(cost, "render", frames)
    monkeypatch.setattr("clipdesk.render.cost.time.monotonic", lambda: clock[0])
    found = measure_cost(vit, make_settings(), LayerInspector(vit))
    assert found is not None
    assert asked == [(1, 1), (1, 15), (16, 15), (16, 15)]
    # A tenth of what ten steps took; the fifteen more cost 3 / 10 / 15 each, which is less than is believed.
    assert found.per_picture == pytest.approx(0.05)
    assert found.fixed == pytest.approx(0.95)
    assert found.shallow == pytest.approx(0.5)


@pytest.mark.parametrize(("seconds", "counts"), [(0.1, [1, 8, 8]), (0.5, [1, 2, 2]), (3.0, [1, 1])])
def test_fewer_pictures_are_measured_side_by_side_where_a_step_is_slow(
    vit: CLIP, monkeypatch: pytest.MonkeyPatch, seconds: float, counts: list[int]
) -> None:
    asked = []

    def timed(*arguments: object) -> float:
        targets = arguments[3]
        assert isinstance(targets, list)
        asked.append(len(targets))
        return seconds * len(targets)

    monkeypatch.setattr(cost, "_timed", timed)
    found = measure_cost(vit, make_settings(image_size=64), LayerInspector(vit))
    assert found == Cost(fixed=0.0, per_picture=seconds, shallow=1.0, picture_bytes=found.picture_bytes if found else 0)
    assert asked == counts
