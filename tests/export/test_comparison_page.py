"""The page of a comparison shows both models, and runs nothing that a model or a photo is called."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from clipdesk.export.comparison_page import ComparedUnits, comparison_page, heat_map
from tests.export.comparisons import changed_unit
from tests.export.origins import HOSTILE


def test_units_are_shown_with_both_of_their_sides() -> None:
    found = changed_unit()
    units = found.drifted(2)
    red, green, blue = (Image.new("RGB", (64, 64), color) for color in ("red", "green", "blue"))
    rendered = {(units[0].layer.first, units[0].unit): (red, green, blue)}
    page = comparison_page(found, ComparedUnits(units, {}, rendered)).decode()
    assert page.count("data:image/webp") == 3
    assert "1.mlp.gelu:41" in page
    assert 'alt="B - A"' in page


def test_the_heat_map_has_a_cell_for_each_pair_of_layers() -> None:
    found = changed_unit()
    assert heat_map(found).count("<rect") == found.cka.size


def test_names_are_only_text() -> None:
    found = changed_unit()
    hostile = replace(found, first=replace(found.first, model=HOSTILE, source=HOSTILE), notes=(HOSTILE,))
    page = comparison_page(hostile, ComparedUnits(found.drifted(1))).decode()
    assert "<script>" not in page
    assert "<img src=x" not in page


def test_models_and_images_are_named_without_the_folders_that_they_are_in() -> None:
    found = changed_unit()
    first = replace(found.first, model="/home/me/runs/1/model.pt", source="/home/me/photos")
    other = replace(found, first=first, second=replace(found.second, model="/home/me/runs/2/model.pt"))
    page = comparison_page(other, ComparedUnits(found.drifted(1))).decode()
    assert "/home/me" not in page
    for said in ("A: 1/model.pt", "B: 2/model.pt", "pictures of photos,"):
        assert said in page
