import json
from hashlib import sha256
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.jobs.job import Job
from clipdesk.jobs.kinds import read_work
from clipdesk.models.names import Checkpoint, OpenClip
from clipdesk.render.presets import make_settings
from clipdesk.render.readable import ImageTarget
from clipdesk.render.targets import Combined, Term, Text, Unit
from tests.recipes import make_recipe


def test_a_recipe_gives_its_job_back() -> None:
    settings, unit = make_settings(noise=0.5, seed=3), Unit(layer="visual", index=2)
    assert Job.from_recipe(make_recipe(unit, settings)) == Job(model="demo", targets=(unit,), settings=settings)
    recipe = make_recipe(unit, settings).model_copy(update={"weights": "a" * 64})
    assert Job.from_recipe(recipe).weights == "a" * 64


def test_the_model_of_a_job_has_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    unit = Unit(layer="visual", index=2)
    names = {"mine.pt": Checkpoint(tmp_path / "mine.pt"), "open_clip:RN50/openai": OpenClip("RN50", "openai")}
    for typed, name in names.items():
        job = Job.model_validate({"model": typed, "targets": (unit,)})
        assert job.model == name
        assert read_work(job.written()) == job


def test_a_job_of_version_0_1_has_no_kind_and_no_weights() -> None:
    job = read_work('{"model": "demo", "targets": [{"kind": "unit", "layer": "visual", "index": 3}]}')
    assert job == Job(model="demo", targets=(Unit(layer="visual", index=3),))
    assert job.kind == "render"
    assert job.weights is None


@pytest.mark.parametrize(("model", "gradient"), [("demo", "turning"), ("demo+sae:[/own]", "whole")])
def test_a_job_of_latents_goes_on_with_the_gradient_that_it_was_queued_with(model: str, gradient: str) -> None:
    unit = Unit(layer="visual.latents", index=3)
    job = Job.model_validate({"model": model, "targets": (unit,), "settings": make_settings(seed=3)})
    assert read_work(job.written()) == job, "a new one says it"
    older = json.loads(job.written())
    del older["settings"]["latent_gradient"]
    settings = job.settings.model_copy(update={"latent_gradient": gradient})
    assert read_work(json.dumps(older)) == job.model_copy(update={"settings": settings})


def test_work_of_an_unknown_kind_is_not_read() -> None:
    with pytest.raises(ValueError, match="there is no kind of work 'dream'"):
        read_work('{"kind": "dream", "model": "demo"}')


def test_a_part_of_a_job_has_some_of_its_units() -> None:
    units = tuple(Unit(layer="visual", index=index) for index in range(4))
    job = Job(model="demo", targets=units, seed_base=7)
    assert job.part([1, 3]) == Job(model="demo", targets=units[1::2], seed_base=7)
    assert (job.units, job.label(2), job.steps) == (units, "visual:2", job.settings.iterations)


def test_a_job_knows_its_files_and_notices_when_they_are_others(tmp_path: Path) -> None:
    start, wanted = tmp_path / "a.png", tmp_path / "b.png"
    start.write_bytes(b"a")
    wanted.write_bytes(b"b")
    like = Combined(terms=(Term(what=ImageTarget(path=str(wanted))),))
    unit = Unit(layer="visual.conv1", index=1)
    job = Job(model="demo", targets=(like, unit), settings=make_settings(start=str(start))).known()
    assert job.files_of(like) == {str(start): sha256(b"a").hexdigest(), str(wanted): sha256(b"b").hexdigest()}
    assert set(job.files_of(unit)) == {str(start)}
    assert job.known() == job
    wanted.unlink()
    assert set(job.known().files) == {str(start)}, "the target itself says what it lacks"
    start.write_bytes(b"another")
    with pytest.raises(UsageError, match=r"a\.png is another file"):
        job.known()
    start.unlink()
    with pytest.raises(UsageError, match=r"Cannot read .*a\.png"):
        job.known()


@pytest.mark.parametrize("count", [1, 1_000, 2_500])
def test_a_job_is_read_as_it_was_written(count: int) -> None:
    units = [Unit(layer="visual.läyer", index=index) for index in range(count - 1)]
    job = Job(model="demo", targets=(Text(text='a "star"'), *units), settings=make_settings(noise=0.5), seed_base=3)
    assert read_work(job.written()) == job
    assert Job.model_validate_json(job.written()) == job


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"model": "demo", "targets": []}', '{"targets": [{}]}'])
def test_what_is_no_job_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_work(text)
