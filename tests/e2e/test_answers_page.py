"""The pages of units and layers in a real browser, opened as files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By

from clipdesk.export.layer_page import layer_page
from clipdesk.export.rendered import Rendered
from clipdesk.export.unit_page import RankedPicture, unit_page
from clipdesk.links import Link, parse_link
from tests.e2e.browser import Browser, missing_browser, open_browser
from tests.export.origins import HOSTILE, layer_of, origin_of, photo_survey, thumbnails, unit_of
from tests.recipes import make_recipe

# In CI, a missing browser is a mistake in the set-up.
pytestmark = pytest.mark.skipif(bool(missing_browser()) and "CI" not in os.environ, reason=missing_browser())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a unit and of a layer whose photos have hostile names, labels, captions and words."""
    folder = tmp_path_factory.mktemp("pages")
    hostile, plain = photo_survey(hostile=True), photo_survey()
    origin = origin_of(thumbnails(folder / "s", plain), hostile, model=f"/tmp/{HOSTILE}.pt")
    shown = origin_of(folder / "s", plain)
    answers = unit_of(hostile, hostile=True)
    rendered = Rendered(folder / "x.png", Image.fromarray(np.full((64, 64, 3), 200, np.uint8)), make_recipe())
    (folder / "hostile unit.html").write_bytes(unit_page(origin, answers, RankedPicture(rendered, answers.rank(9.0))))
    (folder / "hostile layer.html").write_bytes(layer_page(origin, layer_of(hostile, hostile=True), {4: rendered}))
    (folder / "unit.html").write_bytes(unit_page(shown, unit_of(plain), RankedPicture(rendered, answers.rank(9.0))))
    (folder / "layer.html").write_bytes(layer_page(shown, layer_of(plain), {4: rendered}))
    return {path.stem: path for path in folder.glob("*.html")}


@pytest.mark.parametrize("name", ["unit", "layer", "hostile unit", "hostile layer"])
def test_a_page_is_whole_and_loads_nothing(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.resize(1280, 900)
    browser.complaints(), browser.requests()
    browser.open(pages[name])
    assert browser.execute_script("return window.ran") is None
    assert browser.complaints() == []
    assert browser.requests() == [pages[name].as_uri()]
    assert not browser.find_elements(By.CSS_SELECTOR, "main script, main [onerror], main [style]")
    loose = "return [...document.images].filter(each => !each.src.startsWith('data:image/webp;base64,')).length"
    assert browser.execute_script(loose) == 0


@pytest.mark.parametrize("name", ["unit", "layer", "hostile unit", "hostile layer"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, pages: dict[str, Path], name: str, width: int) -> None:
    browser.resize(width, 900)
    browser.open(pages[name])
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_pictures_are_seen_and_links_lead_to_units(browser: Browser, pages: dict[str, Path]) -> None:
    browser.resize(1280, 900)
    browser.open(pages["unit"])
    eager = "for (const each of document.images) each.loading = 'eager'; return document.images.length"
    assert browser.execute_script(eager) > 10
    loaded = "return Promise.all([...document.images].map(each => each.decode().then(() => each.naturalWidth)))"
    assert min(browser.execute_script(loaded)) >= 32
    links = [each.get_attribute("href") or "" for each in browser.find_elements(By.TAG_NAME, "a")]
    assert parse_link(links[0]) == Link("demo", "visual.layer", 4)
    assert {parse_link(each).layer for each in links} == {"visual.layer", "visual.other"}
    browser.open(pages["hostile unit"])
    hostile = browser.find_element(By.TAG_NAME, "a").get_attribute("href") or ""
    assert hostile.startswith("clipdesk:///%2Ftmp%2F%3C%2Fspan%3E")


def listed(browser: Browser) -> list[int]:
    """The units that the table shows, from the top."""
    cells = browser.find_elements(By.CSS_SELECTOR, ".units tbody th")
    return [int(each.text) for each in cells if each.is_displayed()]


def test_a_layers_units_are_sorted_and_filtered(browser: Browser, pages: dict[str, Path]) -> None:
    browser.resize(1280, 900)
    browser.open(pages["layer"])
    numbers = layer_of(photo_survey()).table
    assert listed(browser) == numbers.order("clarity").tolist()
    kurtosis = next(each for each in browser.find_elements(By.CSS_SELECTOR, "th button") if each.text == "kurtosis")
    for order in ("descending", "ascending"):
        kurtosis.click()
        assert kurtosis.find_element(By.XPATH, "..").get_attribute("aria-sort") == order
        found = [float(f"{numbers.kurtosis[unit]:.3g}") for unit in listed(browser)[:-1]]
        assert found == sorted(found, reverse=order == "descending")
        assert listed(browser)[-1] == 12, "what has no number stays last"
    browser.find_element(By.ID, "filter").send_keys("concept 7")
    assert 7 in listed(browser)
    assert 12 not in listed(browser)
    assert f"{len(listed(browser))} of 15" in browser.find_element(By.TAG_NAME, "output").text


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_in_light_and_dark(browser: Browser, pages: dict[str, Path], dark: bool) -> None:
    browser.resize(1280, 900, dark=dark)
    for name in ("unit", "layer"):
        browser.open(pages[name])
        read = "const s = getComputedStyle(document.querySelector(arguments[0])); return [s.color, s.backgroundColor]"
        ink, _ = browser.execute_script(read, "h2")
        _, ground = browser.execute_script(read, "html")
        light = [sum(int(part) for part in each[4:-1].split(",")) for each in (ink, ground)]
        assert (light[0] > light[1]) is dark
        assert abs(light[0] - light[1]) > 400
