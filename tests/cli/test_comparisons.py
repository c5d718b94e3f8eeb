"""`clipdesk compare`: a table, JSON, CSV and a page, and what it refuses."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar, cast

import pytest
import torch
from typing_extensions import ParamSpec

from clipdesk.activations.comparing.keeping import compare_images
from clipdesk.activations.comparing.manifests import all_comparisons
from clipdesk.activations.statistics import Pooling
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.pool import open_model
from tests.cli.conftest import Command
from tests.cli.surveys import LAYER, SHORT, photos
from tests.conftest import small_vit

P = ParamSpec("P")
T = TypeVar("T")


def noting(function: Callable[P, T], place: int, seen: list[object]) -> Callable[P, T]:
    """The same function, whose argument at a place is noted."""

    def noted(*arguments: P.args, **named: P.kwargs) -> T:
        seen.append(arguments[place])
        return function(*arguments, **named)

    return noted


@pytest.fixture
def changed(clipdesk: Command) -> str:
    """SMALL with unit 3 of a layer replaced."""
    photos(clipdesk.folder / "photos")
    model = small_vit()
    with torch.no_grad():
        weight = model.get_parameter(LAYER.replace("gelu", "c_fc.weight"))
        weight[3] = weight.std() * torch.randn(weight.shape[1], generator=torch.Generator().manual_seed(0))
    torch.save(model.state_dict(), clipdesk.folder / "changed.pt")
    return "changed.pt"


def compare(clipdesk: Command, *more: str) -> tuple[str, ...]:
    return ("compare", "SMALL", *more, "--images", "photos", "--layers", SHORT, "--device", "cpu")


def test_the_unit_that_was_changed_is_listed_first(clipdesk: Command, changed: str) -> None:
    done = clipdesk(*compare(clipdesk, changed))
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].startswith(f"{SHORT}:3\t")
    assert "1 of " in done.err, "the layer's line says how many have changed"


def test_json_says_all_of_it(clipdesk: Command, changed: str) -> None:
    done = clipdesk(*compare(clipdesk, changed), "--json", "--count", "2")
    found = json.loads(done.out)
    assert [each["layer"] for each in found["layers"]] == [LAYER]
    assert found["units"][0]["unit"] == f"{SHORT}:3"
    assert found["units"][0]["weights"] > 0.1
    assert found["units"][1]["drift"] == pytest.approx(0, abs=1e-4)
    assert len(found["units"][0]["first"]["top"]) == 20
    assert found["pictures"] == 24
    assert len(found["left_out"]) == 1


def test_csv_has_a_line_for_each_unit(clipdesk: Command, changed: str) -> None:
    done = clipdesk(*compare(clipdesk, changed), "--csv", "units.csv")
    rows = list(csv.DictReader((clipdesk.folder / "units.csv").read_text().splitlines()))
    assert done.out.splitlines()[-1] == "units.csv"
    assert rows[0]["unit"] == "3"
    assert len(rows) == small_vit().get_parameter(LAYER.replace("gelu", "c_fc.bias")).numel()


def test_a_page_shows_both_and_the_difference(clipdesk: Command, changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from clipdesk.render.presets import make_settings

    monkeypatch.setattr("clipdesk.cli.comparing.make_settings", lambda **own: make_settings(iterations=2, **own))
    asked = (
        *compare(clipdesk, changed),
        "--page",
        "page.html",
        "--render",
        "1",
        "--count",
        "2",
        "--concepts",
        "scenes",
    )
    assert clipdesk(*asked).code == 0
    without = Path("page.html").read_text()
    assert without.count("data:image/webp") == 3, "A, B and the difference, and no photos"
    assert "B - A" in without
    assert clipdesk(*asked, "--with-photos").code == 0
    assert Path("page.html").read_text().count("data:image/webp") == 3 + 2 * 2 * 6


@pytest.mark.parametrize("pooling", ["mean", "max", "class"])
def test_a_page_renders_units_as_they_were_compared(
    clipdesk: Command, changed: str, monkeypatch: pytest.MonkeyPatch, pooling: Pooling
) -> None:
    from clipdesk.render.loop import render
    from clipdesk.render.presets import make_settings
    from clipdesk.render.targets import Combined, Term, Unit
    from clipdesk.render.together import Measured, render_difference

    targets: list[object] = []
    pairs: list[object] = []
    parts = "clipdesk.export.comparison_parts"
    monkeypatch.setattr("clipdesk.cli.comparing.make_settings", lambda **own: make_settings(iterations=1, **own))
    monkeypatch.setattr(f"{parts}.render", noting(render, 1, targets))
    monkeypatch.setattr(f"{parts}.render_difference", noting(render_difference, 2, pairs))
    page = ("--page", "page.html", "--render", "1", "--count", "1", "--concepts", "scenes")
    assert clipdesk(*compare(clipdesk, changed), *page, "--pooling", pooling).code == 0
    at: Literal["patches", "max", "class"] = "patches" if pooling == "mean" else pooling
    unit = Unit(layer=LAYER, index=3)
    assert targets == [[unit if at == "patches" else Combined(terms=(Term(what=unit, at=at),))]] * 2
    ((both,),) = cast("list[list[tuple[Measured, Measured]]]", pairs)
    assert [each.at for each in both] == [at, at]


def test_what_was_compared_before_is_not_compared_again(
    clipdesk: Command, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clipdesk(*compare(clipdesk, changed)).code == 0
    monkeypatch.setattr(
        "clipdesk.activations.comparing.passing.Pass.over", lambda *_: pytest.fail("the images are read again")
    )
    again = clipdesk(*compare(clipdesk, changed))
    assert again.code == 0
    assert again.out.startswith(f"{SHORT}:3\t")


def test_a_model_against_itself_has_not_changed(clipdesk: Command, changed: str) -> None:
    done = clipdesk(*compare(clipdesk, "SMALL"), "--match")
    assert done.code == 0
    assert "the same weights" in done.err
    assert "CKA 1.000, median drift 0.000, 0 of" in done.err


def test_models_that_are_alike_are_said_to_be(clipdesk: Command, changed: str) -> None:
    torch.save(small_vit().state_dict(), clipdesk.folder / "again.pt")
    torch.save(small_vit().float().state_dict(), clipdesk.folder / "same.pt")
    done = clipdesk("compare", "again.pt", "same.pt", "--images", "photos", "--layers", SHORT, "--device", "cpu")
    assert done.code == 0
    assert "No unit has changed" in done.err


def test_a_layer_that_is_not_there_is_said_in_whole_sentences(clipdesk: Command, changed: str) -> None:
    arguments = ("compare", "demo", changed, "--images", "photos", "--layers", "5.mlp.gelu", "--device", "cpu")
    done = clipdesk(*arguments)
    assert done.code == 2
    assert "?." not in done.err
    assert "--model" not in done.err
    assert "write 5.mlp.gelu=LAYER" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--page", "page.pdf"), ".html"),
        (("--csv", "units.txt"), ".csv"),
        (("--layers", "9.mlp.gelu"), "9.mlp.gelu"),
    ],
)
def test_what_it_refuses(clipdesk: Command, changed: str, arguments: tuple[str, ...], said: str) -> None:
    done = clipdesk("compare", "SMALL", changed, "--images", "photos", "--device", "cpu", *arguments)
    assert done.code == 2
    assert said in done.err


def test_comparisons_are_listed_and_deleted(clipdesk: Command, changed: str) -> None:
    assert clipdesk("comparisons").err == "There are no comparisons yet. Make one with: clipdesk compare\n"
    assert json.loads(clipdesk("comparisons", "--json").out) == []
    assert clipdesk("comparisons", "delete", "x").err.startswith(
        "Error: There is no comparison 'x'. There are none yet. Make one with: clipdesk compare"
    )
    clipdesk(*compare(clipdesk, changed))
    clipdesk(*compare(clipdesk, changed), "--match")
    rows = json.loads(clipdesk("comparisons", "--json").out)
    assert [each["partners"] for each in rows] == [True, False]
    wanted = {"pictures": 24, "left_out": 1, "layers": 1, "pooling": "mean", "state": "up to date"}
    assert wanted.items() <= rows[0].items()
    assert [Path(rows[0][side]).name for side in ("model_a", "model_b")] == ["small.pt", changed]
    assert rows[0]["images"] == str(clipdesk.folder / "photos")
    first, second = (each["comparison"] for each in rows)
    assert clipdesk("comparisons").out == f"{first}\n{second}\n"
    several = clipdesk("comparisons", "delete", first, "small")
    assert several.code == 2
    assert several.err.startswith("Error: Several comparisons begin with 'small': ")
    assert len(all_comparisons()) == 2, "none is deleted where one name is not clear"
    assert clipdesk("comparisons", "delete", first, first[:-1]).out == f"{first} deleted\n"
    assert [path.name for path, _ in all_comparisons()] == [second]
    assert len(list((clipdesk.folder / "photos").rglob("*.png"))) == 24, "the images stay"


def test_comparisons_that_are_unfinished_or_damaged_are_listed_and_can_be_deleted(
    clipdesk: Command, changed: str, checkpoint: Path
) -> None:
    first, second = (open_model(path, "cpu") for path in (checkpoint, clipdesk.folder / changed))
    images = open_image_set(clipdesk.folder / "photos")
    passing = compare_images(first, second, images, [SHORT])
    next(passing)
    (row,) = json.loads(clipdesk("comparisons", "--json").out)
    assert row["state"].startswith("unfinished")
    refused = clipdesk("comparisons", "delete", row["comparison"])
    assert (refused.code, refused.err) == (1, "Error: Another process makes this comparison at the moment\n")
    for _ in passing:
        pass
    ((folder, _),) = all_comparisons()
    (folder / "manifest.json").write_text("{")
    (row,) = json.loads(clipdesk("comparisons", "--json").out)
    assert (row["comparison"], row["state"]) == (
        folder.name,
        "it cannot be read: it is damaged, or of another version",
    )
    assert clipdesk("comparisons", "delete", folder.name).code == 0
    assert json.loads(clipdesk("comparisons", "--json").out) == []


def test_a_comparison_says_what_is_another_now(clipdesk: Command, changed: str) -> None:
    clipdesk(*compare(clipdesk, changed))
    (clipdesk.folder / "photos" / "cats" / "00.png").unlink()
    (clipdesk.folder / changed).unlink()
    (row,) = json.loads(clipdesk("comparisons", "--json").out)
    assert row["state"] == "the images have changed since; the file of B is not there"
