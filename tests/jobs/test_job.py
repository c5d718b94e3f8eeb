from hashlib import sha256
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.jobs.job import Job
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Combined, ImageTarget, Term, Text, Unit
from tests.recipes import make_recipe


def test_a_recipe_gives_its_job_back() -> None:
    settings, unit = make_settings(noise=0.5, seed=3), Unit(layer="visual", index=2)
    assert Job.from_recipe(make_recipe(unit, settings)) == Job(model="demo", targets=(unit,), settings=settings)


def test_a_job_knows_its_files_and_notices_when_they_are_others(tmp_path: Path) -> None:
    start, wanted = tmp_path / "a.png", tmp_path / "b.png"
    start.write_bytes(b"a")
    wanted.write_bytes(b"b")
    like = Combined(terms=(Term(what=ImageTarget(path=str(wanted))),))
    unit = Unit(layer="visual.conv1", index=1)
    job = Job(model="demo", targets=(like, unit), settings=make_settings(start=str(start))).with_files()
    assert job.files_of(like) == {str(start): sha256(b"a").hexdigest(), str(wanted): sha256(b"b").hexdigest()}
    assert set(job.files_of(unit)) == {str(start)}
    assert job.with_files() == job
    wanted.unlink()
    assert set(job.with_files().files) == {str(start)}, "the target itself says what it lacks"
    start.write_bytes(b"another")
    with pytest.raises(UsageError, match=r"a\.png is another file"):
        job.with_files()
    start.unlink()
    with pytest.raises(UsageError, match=r"Cannot read .*a\.png"):
        job.with_files()


@pytest.mark.parametrize("count", [1, 1_000, 2_500])
def test_a_job_is_read_as_it_was_written(count: int) -> None:
    units = [Unit(layer="visual.läyer", index=index) for index in range(count - 1)]
    job = Job(model="demo", targets=(Text(text='a "star"'), *units), settings=make_settings(noise=0.5), seed_base=3)
    assert Job.read(job.written()) == job
    assert Job.model_validate_json(job.written()) == job


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"model": "demo", "targets": []}', '{"targets": [{}]}'])
def test_what_is_no_job_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Job.read(text)
