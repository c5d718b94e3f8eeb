import pytest

from clipdesk.errors import UsageError
from clipdesk.jobs.job import Job
from clipdesk.render.settings import make_settings
from clipdesk.render.targets import Unit


def test_a_recipe_gives_its_job_back() -> None:
    settings, unit = make_settings(noise=0.5, seed=3), Unit(layer="visual", index=2)
    recipe = {"model": "demo", "target": unit.model_dump(), "settings": settings.model_dump(), "steps": 500}
    assert Job.from_recipe(recipe) == Job(model="demo", targets=(unit,), settings=settings)


@pytest.mark.parametrize(
    "recipe",
    [{}, {"model": "demo", "target": {"kind": "odd"}, "settings": {}}, {"model": 1, "target": 2, "settings": 3}],
)
def test_what_is_no_recipe_is_refused(recipe: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="recipe cannot be read"):
        Job.from_recipe(recipe)
