"""The page of a folder in a real browser, opened as a file."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from clipdesk.export.page import save_page
from clipdesk.export.png import Curve, save_png
from clipdesk.export.recipe import Recipe
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Text, Unit
from tests.e2e.browser import Browser, missing_browser, open_browser
from tests.recipes import make_recipe

# In CI, a missing browser is a mistake in the set-up.
pytestmark = pytest.mark.skipif(bool(missing_browser()) and "CI" not in os.environ, reason=missing_browser())

MLP, ATTENTION = "visual.transformer.resblocks.5.mlp.gelu", "visual.transformer.resblocks.3.attn"
HOSTILE = "</script><img src=x onerror='window.ran=1'><script>window.ran=1</script>"
STEPS = 40


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def put(folder: Path, name: str, target: Target, activation: float, **changes: object) -> tuple[Recipe, Curve]:
    """Write a picture with its own colour into the folder."""
    recipe = make_recipe(target, make_settings(iterations=STEPS, seed=5))
    reached = recipe.activation.model_copy(update={"picture": activation})
    recipe = recipe.model_copy(update={"activation": reached, **changes})
    curve = np.random.default_rng(len(name)).normal(size=STEPS).cumsum().astype(np.float32)
    color = np.random.default_rng(list(name.encode())).integers(0, 256, 3, dtype=np.uint8)
    save_png(np.full((48, 48, 3), color, dtype=np.uint8), folder / f"{name}.png", recipe, curve)
    return recipe, curve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty units of one layer, three of another, and a text; unit i of the first has an activation of 30 - i."""
    out = tmp_path / "out"
    out.mkdir()
    for index in range(30):
        put(out, f"m{index}", Unit(layer=MLP, index=index), 30.0 - index)
    for index in range(3):
        put(out, f"a{index}", Unit(layer=ATTENTION, index=index), -1.5 * index)
    put(out, "star", Text(text="a star"), 0.25)
    return out


@pytest.fixture
def page(browser: Browser, folder: Path) -> Path:
    """The folder's page, opened."""
    save_page(folder, folder / "page.html")
    browser.resize(1280, 900)
    browser.complaints(), browser.requests()
    browser.open(folder / "page.html")
    return folder / "page.html"


def tiles(browser: Browser) -> list[WebElement]:
    """The tiles in the document, in order."""
    found = browser.find_elements(By.CSS_SELECTOR, "#grid > div")
    found.sort(key=lambda tile: int(tile.get_attribute("aria-posinset") or 0))
    return [tile.find_element(By.TAG_NAME, "button") for tile in found]


def names(browser: Browser) -> list[str]:
    return [(tile.get_attribute("aria-label") or "").split(", activation")[0] for tile in tiles(browser)]


def fill(browser: Browser, field: str, text: str) -> None:
    element = browser.find_element(By.ID, field)
    element.clear()
    element.send_keys(text)


def text_of(browser: Browser, element: str) -> str:
    return browser.find_element(By.ID, element).text


def choose(browser: Browser, field: str, value: str) -> None:
    Select(browser.find_element(By.ID, field)).select_by_value(value)


def is_open(browser: Browser) -> bool:
    return browser.find_element(By.ID, "detail").is_displayed()


def press(browser: Browser, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def focused(browser: Browser) -> str:
    return browser.switch_to.active_element.get_attribute("aria-label") or ""


def pointed(browser: Browser) -> tuple[int, float]:
    """The step and the activation that the page tells when the pointer comes to the middle of the curve."""

    def point() -> re.Match[str] | None:
        to_curve = ActionChains(browser).move_to_element(browser.find_element(By.ID, "name"))
        to_curve.move_to_element(browser.find_element(By.ID, "plot")).perform()
        return re.fullmatch(r"step (\d+): (-?[\d.]+)", text_of(browser, "point"))

    until(browser, lambda: point() is not None)
    found = point()
    assert found is not None
    return int(found[1]), float(found[2])


def until(browser: Browser, condition: Callable[[], bool]) -> None:
    """Wait until something is so; a browser tells of some events a little later."""
    WebDriverWait(browser, 20, ignored_exceptions=[StaleElementReferenceException]).until(lambda _: condition())


def test_it_opens_as_a_file_without_complaint_or_request(browser: Browser, page: Path) -> None:
    assert browser.title == "out"
    assert text_of(browser, "about") == "34 pictures  ·  demo  ·  2 layers  ·  2026-11-24"
    assert names(browser)[:4] == ["“a star”", *(f"{ATTENTION}:{i}" for i in range(3))]
    script = "return [...document.querySelectorAll('#grid img')].every((image) => image.naturalWidth > 0)"
    until(browser, lambda: bool(browser.execute_script(script)))
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("7", [f"{MLP}:7"]),
        ("0:30:10 gelu", [f"{MLP}:{i}" for i in (0, 10, 20)]),
        ("2,27-40", [f"{ATTENTION}:2", *(f"{MLP}:{i}" for i in (2, 27, 28, 29))]),
        ("STAR", ["“a star”"]),
        ("3.attn", [f"{ATTENTION}:{i}" for i in range(3)]),
        ("nothing", []),
    ],
)
def test_words_and_ranges_filter(browser: Browser, page: Path, words: str, found: list[str]) -> None:
    fill(browser, "words", words)
    assert names(browser) == found
    assert text_of(browser, "count") == f"{len(found)} of 34"
    if not found:
        browser.find_element(By.ID, "clear").click()
        assert text_of(browser, "count") == "34"


def test_layer_and_activation_filter_and_sort(browser: Browser, page: Path) -> None:
    choose(browser, "order", "highest")
    assert names(browser)[:3] == [f"{MLP}:{i}" for i in range(3)]
    choose(browser, "order", "lowest")
    assert names(browser)[:4] == [f"{ATTENTION}:2", f"{ATTENTION}:1", f"{ATTENTION}:0", "“a star”"]
    choose(browser, "layer", MLP)
    assert names(browser)[0] == f"{MLP}:29"
    fill(browser, "least", "2")
    fill(browser, "most", "4.5")
    assert names(browser) == [f"{MLP}:{i}" for i in (28, 27, 26)]


def test_a_click_opens_and_escape_closes(browser: Browser, page: Path) -> None:
    tiles(browser)[2].click()
    assert is_open(browser)
    assert text_of(browser, "name") == f"{ATTENTION}:1"
    press(browser, Keys.ESCAPE)
    assert not is_open(browser)
    until(browser, lambda: focused(browser) == f"{ATTENTION}:1, activation \u22121.50")


def test_keys_alone_will_do(browser: Browser, page: Path) -> None:
    press(browser, "/", "gelu")
    assert text_of(browser, "count") == "30 of 34"
    tiles(browser)[0].send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    press(browser, Keys.ENTER)
    assert text_of(browser, "name") == f"{MLP}:1"
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert (text_of(browser, "name"), text_of(browser, "place")) == (f"{MLP}:3", "4 of 30")
    press(browser, Keys.ESCAPE)
    until(browser, lambda: focused(browser) == f"{MLP}:3, activation 27.0")
    press(browser, Keys.END, Keys.ENTER)
    assert text_of(browser, "name") == f"{MLP}:29"
    assert not browser.find_element(By.ID, "next").is_enabled()


def test_curve_and_recipe_are_those_of_the_png(browser: Browser, folder: Path, tmp_path: Path) -> None:
    recipe, curve = put(folder, "m4", Unit(layer=MLP, index=4), 26.0)
    save_page(folder, folder / "page.html")
    browser.open(folder / "page.html")
    fill(browser, "words", "4 gelu")
    tiles(browser)[0].click()
    until(browser, browser.find_element(By.ID, "png").is_displayed)
    # In one go: the curve is drawn anew when its place gets another size.
    path = str(browser.execute_script("return document.querySelector('path.curve').getAttribute('d')"))
    points = np.array([[float(n) for n in point.split()] for point in re.split("[ML]", path)[1:]])
    assert len(points) == STEPS
    assert np.allclose(np.diff(points[:, 0]), np.diff(points[:, 0])[0], atol=0.2)
    drawn = (points[:, 1].max() - points[:, 1]) / np.ptp(points[:, 1])
    assert np.allclose(drawn, (curve - curve.min()) / np.ptp(curve), atol=0.01)
    step, value = pointed(browser)
    assert value == pytest.approx(float(curve[step - 1]), rel=1e-2, abs=1e-3)
    shown = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#recipe tr")]
    assert f"Layer {MLP}" in [" ".join(row.split()) for row in shown]
    assert {"Seed 5", f"Iterations {STEPS} steps", "Rotate ±15°", "Unit 4"} <= set(shown)
    assert text_of(browser, "command") == "clipdesk render --from m4.png"
    granted = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", granted)
    browser.find_element(By.ID, "copy-recipe").click()
    until(browser, lambda: text_of(browser, "copy-recipe") == "Copied")
    copied = browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert Recipe.model_validate(json.loads(copied)) == recipe


def test_it_shows_the_png_beside_it_and_can_do_without(browser: Browser, page: Path, tmp_path: Path) -> None:
    tiles(browser)[1].click()
    full, link = browser.find_element(By.ID, "full"), browser.find_element(By.ID, "png")
    until(browser, link.is_displayed)
    assert full.get_property("src") == link.get_property("href") == (page.parent / "a0.png").as_uri()
    alone = tmp_path / "elsewhere" / "page.html"
    alone.parent.mkdir()
    shutil.copy(page, alone)
    browser.open(alone)
    tiles(browser)[1].click()
    note = browser.find_element(By.ID, "preview")
    until(browser, note.is_displayed)
    assert not browser.find_element(By.ID, "png").is_displayed()
    assert browser.execute_script("return document.getElementById('full').naturalWidth") == 48


def test_text_from_anybody_does_not_run(browser: Browser, folder: Path) -> None:
    put(folder, "x", Text(text=HOSTILE), 99, model=HOSTILE)
    save_page(folder, folder / "page.html")
    browser.open(folder / "page.html")
    fill(browser, "words", "onerror")
    (tile,) = tiles(browser)
    tile.click()
    assert HOSTILE in text_of(browser, "name")
    assert text_of(browser, "model") == HOSTILE
    assert browser.execute_script("return window.ran") is None
    assert browser.execute_script("return document.scripts.length") == 2


@pytest.mark.parametrize(
    "attempt",
    [
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);",
        "document.body.insertAdjacentHTML('beforeend', '<img src=x: onerror=\"window.ran = 1\">');",
        "new Image().src = 'https://example.invalid/x.png';",
        "fetch('https://example.invalid/').catch(() => 0);",
    ],
)
def test_the_policy_lets_nothing_else_in(browser: Browser, page: Path, attempt: str) -> None:
    browser.requests()
    broken = browser.execute_async_script(
        "document.addEventListener('securitypolicyviolation', (e) => arguments[0](e.effectiveDirective));" + attempt
    )
    assert broken in ("script-src-elem", "script-src-attr", "img-src", "connect-src")
    assert browser.execute_script("return window.ran") is None
    assert browser.requests() == []


def test_of_many_pictures_only_those_near_are_in_the_document(browser: Browser, tmp_path: Path) -> None:
    put(tmp_path, "0", Unit(layer=MLP, index=0), 1.0)
    for index in range(1, 400):
        shutil.copy(tmp_path / "0.png", tmp_path / f"{index}.png")
    save_page(tmp_path, tmp_path / "page.html")
    browser.resize(800, 600)
    browser.open(tmp_path / "page.html")
    assert len(tiles(browser)) < 120
    tiles(browser)[0].send_keys(Keys.END)
    last = browser.switch_to.active_element
    assert last.find_element(By.XPATH, "..").get_attribute("aria-posinset") == "400"
    assert 0 < browser.execute_script("return arguments[0].getBoundingClientRect().bottom", last) <= 600
    until(browser, lambda: last.find_element(By.TAG_NAME, "img").get_property("naturalWidth") == 48)
    assert len(tiles(browser)) < 120


@pytest.mark.parametrize("width", [360, 820, 3840])
def test_nothing_is_wider_than_the_screen(browser: Browser, page: Path, width: int) -> None:
    browser.resize(width, 800)
    browser.refresh()
    tiles(browser)[0].click()
    for element in ("document.documentElement", "document.getElementById('detail')"):
        assert browser.execute_script(f"return {element}.scrollWidth") <= width
    assert browser.find_element(By.ID, "full").is_displayed()


def test_all_that_fits_is_printed(browser: Browser, page: Path) -> None:
    fill(browser, "words", "gelu")
    printed = base64.b64decode(browser.print_page())
    assert printed.count(b"/Subtype /Image") == 30


def test_one_picture_is_printed_with_its_whole_recipe(browser: Browser, page: Path) -> None:
    tiles(browser)[0].click()
    printed = base64.b64decode(browser.print_page())
    assert len(re.findall(rb"/Type /Page\b", printed)) > 1, "the recipe goes on behind the first page"
