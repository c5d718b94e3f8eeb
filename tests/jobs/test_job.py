from clipdesk.jobs.job import Job
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.recipes import make_recipe


def test_a_recipe_gives_its_job_back() -> None:
    settings, unit = make_settings(noise=0.5, seed=3), Unit(layer="visual", index=2)
    assert Job.from_recipe(make_recipe(unit, settings)) == Job(model="demo", targets=(unit,), settings=settings)
