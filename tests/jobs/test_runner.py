import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from PIL import Image

from clipdesk.checksums import read_sha256
from clipdesk.errors import RenderError, UsageError
from clipdesk.jobs import runner
from clipdesk.jobs.events import Failure, Progress, RenderEvent, Result
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import run_job
from clipdesk.models.names import Checkpoint
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import ModelPool
from clipdesk.network.precision import precision_of
from clipdesk.render.convergence import Convergence
from clipdesk.render.expressions import parse_target
from clipdesk.render.loop import Frame, render
from clipdesk.render.objectives import ResolvedTarget
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Text, Unit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
BAD = Unit(layer=LAYER, index=6)
SETTINGS = make_settings(iterations=3, device="cpu", seed=4)


def job(*indices: int, seed_base: int | None = None) -> Job:
    return Job(
        model="small",
        targets=tuple(Unit(layer=LAYER, index=i) for i in indices),
        settings=SETTINGS,
        seed_base=seed_base,
    )


def events_of(model: CLIP, asked: Job, group_size: int | None = None) -> list[RenderEvent]:
    return list(run_job(OpenModel.of(model), asked, group_size=group_size))


def results(model: CLIP, asked: Job, group_size: int | None = None) -> list[Result]:
    return [event for event in events_of(model, asked, group_size) if isinstance(event, Result)]


def test_a_job_round_trips_through_json() -> None:
    asked = job(1, 2, seed_base=9)
    assert Job.model_validate_json(asked.model_dump_json()) == asked


def test_every_target_gets_a_result_in_order(vit: CLIP) -> None:
    events = events_of(vit, job(5, 1, 3), group_size=2)
    made = [event for event in events if isinstance(event, Result)]
    assert [event.target for event in made] == list(job(5, 1, 3).targets)
    assert sum(isinstance(event, Progress) for event in events) == 6
    assert all(event.complete and event.curve.shape == (3,) and event.image.shape == (32, 32, 3) for event in made)


def test_the_recipe_says_how_it_was_made(vit: CLIP) -> None:
    recipe = results(vit, job(5, seed_base=100))[0].recipe
    assert recipe.model == str(Path("small").absolute())
    assert recipe.weights is None
    assert recipe.target == Unit(layer=LAYER, index=5)
    computed_in = precision_of(SETTINGS.precision, vit, torch.device("cpu"))
    assert computed_in in ("float32", "bfloat16"), "what auto came to, for another machine"
    assert recipe.settings == SETTINGS.model_copy(update={"seed": 105, "precision": computed_in})
    assert recipe.steps == 3
    assert recipe.device == "cpu"


def test_the_recipe_names_the_weights(checkpoint: Path) -> None:
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    opened = ModelPool().open(Checkpoint(checkpoint), "cpu")
    checkpoint.write_bytes(b"something else by now")
    asked = Job(model=Checkpoint(checkpoint), targets=(Unit(layer=LAYER, index=1),), settings=SETTINGS)
    (result,) = (event for event in run_job(opened, asked) if isinstance(event, Result))
    assert result.recipe.weights == digest, "those that were loaded"
    assert result.recipe.model == str(checkpoint)


def test_the_recipe_makes_the_same_picture_again(vit: CLIP) -> None:
    first = results(vit, job(5, 6, seed_base=100))[1]
    again = results(vit, Job.from_recipe(first.recipe))[0]
    assert (first.image == again.image).all()
    assert Image.fromarray(again.image).size == (32, 32)


def test_stopping_keeps_what_was_reached_and_starts_nothing_new(vit: CLIP) -> None:
    seen: list[Progress] = []
    events = run_job(OpenModel.of(vit), job(1, 2, 3), group_size=2, stop=lambda: len(seen) >= 2)
    made = []
    for event in events:
        if isinstance(event, Progress):
            seen.append(event)
        elif isinstance(event, Result):
            made.append(event)
    assert len(seen) == 2
    assert [(event.complete, len(event.curve)) for event in made] == [(False, 2), (False, 2)]


def test_a_picture_that_does_not_rise_any_more_ends_for_itself(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one that it would be alone, though others of its group go on."""

    class Ends(Convergence):
        def ended(self, activations: NDArray[np.float32]) -> Sequence[int]:
            self._curves.append(activations)
            rows = {2: [1], 4: [0]}.get(len(self._curves), []) if len(activations) > 1 else []
            self._rising.difference_update(rows)
            return rows

    monkeypatch.setattr("clipdesk.jobs.runner.Convergence", Ends)
    asked = job(5, 1, 3).model_copy(update={"settings": SETTINGS.model_copy(update={"iterations": 6})})
    made = results(vit, asked, 3)
    assert [(len(each.curve), each.complete, each.recipe.steady) for each in made] == [
        (4, True, True),
        (2, True, True),
        (6, True, False),
    ]
    for each in made:
        steps = len(each.curve)
        run = render(vit, [each.target], asked.settings)
        frame = next(frame for frame in run if frame.step == steps)
        assert np.abs(each.image.astype(int) - frame.images()[0]).max() <= 1
        assert each.activation == pytest.approx(float(frame.clean_activations()[0]), abs=1e-4)


def test_a_group_that_is_steady_takes_no_further_step(vit: CLIP) -> None:
    settings = make_settings("draft", iterations=200, learning_rate=0.0001, patience=4, device="cpu", noise=0)
    settings = settings.model_copy(update={"scale": 0.0, "rotate": 0.0, "shift": 0.0})
    made = results(vit, job(1, 2).model_copy(update={"settings": settings}))
    assert all(len(each.curve) < 200 for each in made)
    assert all(each.complete and each.recipe.outcome.useful for each in made)


def test_pictures_come_with_the_steps_for_which_they_are_wanted(vit: CLIP) -> None:
    asked: list[tuple[int, int]] = []

    def wanted(step: int, iterations: int) -> bool:
        asked.append((step, iterations))
        return step == 2

    events = list(run_job(OpenModel.of(vit), job(1, 2), wanted=wanted))
    progress = [event for event in events if isinstance(event, Progress)]
    assert asked == [(1, 3), (2, 3), (3, 3)]
    assert [None if event.images is None else event.images.shape for event in progress] == [None, (2, 32, 32, 3), None]
    assert [event.step for event in progress] == [1, 2, 3]
    assert all(event.activations.shape == (2,) and event.iterations == 3 for event in progress)


def test_one_bad_unit_fails_alone(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    def picky(model: CLIP, targets: list[ResolvedTarget], *args: object, **kwargs: object) -> Iterator[Frame]:
        if any(each.target == BAD for each in targets):
            raise RenderError("The activation is not a number")
        return render(model, targets, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "render", picky)
    events = [event for event in events_of(vit, job(4, 5, 6, 7)) if not isinstance(event, Progress)]
    assert [type(event).__name__ for event in events] == ["Result", "Result", "Failure", "Result"]
    assert events[2] == Failure(BAD, "The activation is not a number")


def test_a_group_too_large_for_the_memory_is_halved(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def limited(model: CLIP, targets: tuple[Target, ...], *args: object, **kwargs: object) -> Iterator[Frame]:
        sizes.append(len(targets))
        if len(targets) > 2:
            raise RenderError("There is not enough memory")
        return render(model, targets, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "render", limited)
    assert [result.target for result in results(vit, job(*range(5)))] == list(job(*range(5)).targets)
    assert sizes == [5, 2, 3, 1, 2]


def test_what_is_not_there_fails_and_the_rest_goes_on(vit: CLIP) -> None:
    events = [event for event in events_of(vit, job(256, 2)) if not isinstance(event, Progress)]
    assert [type(event).__name__ for event in events] == ["Failure", "Result"]
    assert isinstance(events[0], Failure)
    assert "0 to 255" in events[0].reason
    assert not events[0].known


def test_units_and_texts_are_rendered_in_one_job(vit: CLIP) -> None:
    targets: tuple[Target, ...] = (Text(text="a star"), Unit(layer=LAYER, index=1), Text(text="a heart"))
    asked = job(1).model_copy(update={"targets": targets})
    assert [result.target for result in results(vit, asked)] == [targets[1], targets[0], targets[2]]


def test_files_and_transparency_are_in_the_recipe_and_the_picture(vit: CLIP, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    settings = make_settings(
        iterations=2, start=str(tmp_path / "red.png"), transparency="gradients", image_size=64, device="cpu"
    )
    (made,) = results(vit, Job(model="small", targets=(Unit(layer=LAYER, index=1),), settings=settings))
    assert list(made.recipe.files) == [str(tmp_path / "red.png")]
    assert made.image.shape == (64, 64, 3)
    assert made.alpha is not None
    assert made.alpha.shape == (64, 64)
    again = Job.from_recipe(made.recipe)
    (same,) = results(vit, again)
    assert (same.image == made.image).all()
    assert same.alpha is not None
    assert (same.alpha == made.alpha).all()
    Image.new("RGB", (40, 40), "blue").save(tmp_path / "red.png")
    with pytest.raises(UsageError, match="another file"):
        results(vit, again)


def test_a_file_that_changes_after_it_was_read_changes_neither_picture_nor_recipe(vit: CLIP, tmp_path: Path) -> None:
    """Targets that are not units come after all units, which may take an hour."""
    path = tmp_path / "wanted.png"
    Image.new("RGB", (40, 40), "red").save(path)
    red = read_sha256(path)
    targets = (Unit(layer=LAYER, index=1), parse_target(f"image:[{path}]"))
    asked = job(1).model_copy(update={"targets": targets}).known()
    events = []
    for event in run_job(OpenModel.of(vit), asked):
        if isinstance(event, (Result, Failure)):
            events.append(event)
            Image.new("RGB", (40, 40), "blue").save(path)
    assert [event.target for event in events] == list(targets)
    assert isinstance(events[0], Result)
    assert isinstance(events[1], Result)
    assert events[1].recipe.files == {str(path): red}
    with pytest.raises(UsageError, match="another file"):
        results(vit, asked)
