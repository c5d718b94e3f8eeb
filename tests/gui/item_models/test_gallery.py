from pathlib import Path

import pytest
from PySide6.QtTest import QAbstractItemModelTester

from clipdesk.gui.item_models.gallery import GalleryModel
from clipdesk.gui.item_models.gallery_order import NEWEST
from clipdesk.gui.library import Entry
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.recipes import REACHED, make_recipe


def entry(number: int, layer: str = "a", preset: str = "standard") -> Entry:
    """Made in the second `number`."""
    recipe = make_recipe(Unit(layer=layer, index=number), make_settings(preset))
    return Entry(Path(f"{number}.png"), recipe.model_copy(update={"date": f"2026-01-01T00:00:{number:02}"}), b"")


@pytest.fixture
def model(qapp: object) -> GalleryModel:
    model = GalleryModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    return model


def labels(model: GalleryModel) -> list[object]:
    return [model.index(row).data() for row in range(model.rowCount())]


def test_the_newest_stand_first_in_whatever_order_they_come(model: GalleryModel) -> None:
    inserted: list[tuple[int, int]] = []
    model.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    model.add([entry(3), entry(9)])
    model.add([entry(number) for number in (1, 5, 4, 12, 2)])
    assert labels(model) == [f"a:{number}" for number in (12, 9, 5, 4, 3, 2, 1)]
    assert [shown.path.name for shown in model.shown][:2] == ["12.png", "9.png"]
    # Neighbours come at once, so that views lay out their pictures as seldom as can be.
    assert inserted == [(0, 1), (2, 3), (1, 2), (0, 0)]


def test_a_file_is_shown_once(model: GalleryModel) -> None:
    model.add([entry(1), entry(1)])
    model.add([entry(1)])
    assert (labels(model), model.total) == (["a:1"], 1)


def test_a_finished_picture_takes_the_place_of_the_stopped_one_in_its_file(model: GalleryModel) -> None:
    stopped, finished, other = entry(1), entry(3), entry(2)
    finished = Entry(stopped.path, finished.recipe, b"")
    model.add([stopped, other])
    model.add([finished])
    assert (labels(model), model.total) == (["a:3", "a:2"], 2)
    model.add([stopped])
    assert labels(model) == ["a:3", "a:2"]


def test_new_pictures_are_searched_as_well(model: GalleryModel) -> None:
    model.add([entry(1), entry(2, "b")])
    model.arrange("b:", NEWEST)
    model.add([entry(3, "b"), entry(4), entry(5, "b", "draft")])
    assert labels(model) == ["b:5", "b:3", "b:2"]
    model.arrange("b: draft", NEWEST)
    assert labels(model) == ["b:5"]
    assert model.total == 5


def test_a_removed_picture_is_not_shown_any_more(model: GalleryModel) -> None:
    first, second = entry(1), entry(2, "b", "draft")
    model.add([first, second])
    model.remove(second)
    assert (labels(model), model.index_of(second).isValid()) == (["a:1"], False)
    assert model.index_of(first).row() == 0
    model.add([second])
    assert labels(model) == ["b:2", "a:1"]
    model.clear()
    assert (labels(model), model.total) == ([], 0)


def test_one_that_the_search_hides_can_be_taken_out(model: GalleryModel) -> None:
    hidden = entry(2, "b")
    model.add([entry(1), hidden])
    model.arrange("a:", NEWEST)
    model.remove(hidden)
    assert (labels(model), model.total) == (["a:1"], 1)


def test_pictures_are_sorted_and_new_ones_come_to_their_places(model: GalleryModel) -> None:
    values = {1: 0.5, 2: 9.0, 10: 3.0, 3: -1.0}
    entries = [entry(number) for number in values]
    for one, value in zip(entries, values.values(), strict=True):
        reached = REACHED.model_copy(update={"picture": value})
        recipe = one.recipe.model_copy(update={"activation": reached})
        model.arrange("", "activation")
        model.add([Entry(one.path, recipe, b"")])
    assert labels(model) == ["a:2", "a:10", "a:1", "a:3"]
    model.arrange("", "unit")
    assert labels(model) == ["a:1", "a:2", "a:3", "a:10"]
    model.add([entry(4), entry(11), entry(5)])
    assert labels(model) == ["a:1", "a:2", "a:3", "a:4", "a:5", "a:10", "a:11"]
    assert [shown.label for shown in model.shown] == labels(model)
    assert model.rows_of([model.shown[3], model.shown[0], entries[0]]) == [0, 3]
    model.remove(model.shown[1])
    assert labels(model) == ["a:1", "a:3", "a:4", "a:5", "a:10", "a:11"]


def test_pictures_of_one_second_have_the_same_order_at_each_start(model: GalleryModel) -> None:
    entries = [Entry(Path(name), make_recipe(), b"") for name in ("b.png", "c.png", "a.png")]
    model.add(entries)
    model.arrange("", NEWEST)
    first = [shown.path.name for shown in model.shown]
    model.clear()
    model.add(entries[::-1])
    assert [shown.path.name for shown in model.shown] == first == ["c.png", "b.png", "a.png"]
