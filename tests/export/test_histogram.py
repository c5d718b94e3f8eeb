"""Histograms as SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from clipdesk.activations.questions.unit import UnitHistogram
from clipdesk.export.histogram import histogram, small_histogram

BINS = UnitHistogram(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([100, 25, 0, 1]))
SVG = "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def numbers(text: str, element: str, name: str) -> list[float]:
    return [float(each.get(name, "nan")) for each in parsed(text).iter(f"{SVG}{element}")]


def test_bars_are_as_high_as_the_root_of_their_counts() -> None:
    heights = numbers(histogram(BINS), "rect", "height")
    assert heights == pytest.approx([150, 75, 15], abs=0.1)
    assert numbers(histogram(BINS), "rect", "x") == pytest.approx([0, 160, 480], abs=0.1)


@pytest.mark.parametrize(("value", "place"), [(2.0, 320.0), (8.0, 640.0), (-4.0, 0.0)])
def test_a_mark_stands_at_its_activation_and_the_axis_reaches_it(value: float, place: float) -> None:
    found = histogram(BINS, [("<rendered>", value)])
    mark = next(each for each in parsed(found).iter(f"{SVG}line") if each.get("class") == "mark")
    assert float(mark.get("x1", "nan")) == pytest.approx(place, abs=0.1)
    low, high = min(0.0, value), max(4.0, value)
    ends = [each.text for each in parsed(found).iter(f"{SVG}text")]
    assert ends == [f"{low:.3g}", f"{high:.3g}", "<rendered>"]
    assert numbers(found, "rect", "x")[-1] == pytest.approx((3 - low) / (high - low) * 640, abs=0.1)


def test_a_small_one_keeps_its_shape() -> None:
    path = next(parsed(small_histogram(BINS)).iter(f"{SVG}path")).get("d", "")
    assert [float(each) for each in re.findall(r"v-([\d.]+)", path)] == pytest.approx([22, 11, 2.2], abs=0.1)


def test_a_constant_or_an_empty_unit_has_a_histogram_too() -> None:
    constant = UnitHistogram(np.array([1.0, 1.0]), np.array([9]))
    parsed(histogram(constant, [("rendered", 1.0)]))
    parsed(small_histogram(constant))
    empty = UnitHistogram(np.array([0.0]), np.zeros(0, np.int64))
    assert histogram(empty) == small_histogram(empty) == ""
