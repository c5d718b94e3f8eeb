"""Measure the page of a batch in Chromium: its size, the time until it shows, and its smoothness.

    python -m benchmarks.page

The pictures are 224 px of noise with the spectrum of natural images, which WebP compresses about as well as rendered
pictures; each has a curve of 500 steps. Needs Debian's packages `chromium` and `chromium-driver`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipdesk.export.page import MEGABYTES, save_page
from clipdesk.export.png import save_png
from clipdesk.render.targets import Unit
from tests.e2e.browser import Browser, open_browser
from tests.recipes import make_recipe

_LAYER = "visual.transformer.resblocks.5.mlp.gelu"
_SIDE, _STEPS = 224, 500
_SHOWN = """
const done = arguments[0];
const look = () => {
  const image = document.querySelector("#grid img");
  if (image && image.complete) image.decode().then(() => requestAnimationFrame(() => done(performance.now())));
  else setTimeout(look, 1);
};
look();
"""
_FILTER = """
const [words, done] = arguments;
const field = document.getElementById("words");
const start = performance.now();
field.value = words;
field.dispatchEvent(new Event("input", {bubbles: true}));
requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
"""
_SCROLL = """
const [step, done] = arguments;
const gaps = [];
let last = performance.now();
scrollTo(0, 0);
const tick = (now) => {
  gaps.push(now - last);
  last = now;
  const before = scrollY;
  scrollBy(0, step);
  if (scrollY === before || gaps.length > 400) done(gaps.slice(2));
  else requestAnimationFrame(tick);
};
requestAnimationFrame(tick);
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=3072)
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    parser.add_argument("--folder", type=Path, help="folder that keeps the pictures and the page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if len(list(folder.glob("*.png"))) != arguments.pictures:
            make_pictures(folder, arguments.pictures)
        started = time.monotonic()
        count = save_page(folder, folder / "page.html", megabytes=arguments.megabytes)
        seconds = time.monotonic() - started
        size = (folder / "page.html").stat().st_size / 1e6
        print(f"{count} pictures: {size:.1f} MB, written in {seconds:.1f} s ({1000 * seconds / count:.1f} ms each)")
        with open_browser() as browser:
            measure(browser, folder / "page.html", arguments.pictures)


def make_pictures(folder: Path, count: int) -> None:
    """Write pictures with recipes and curves into a folder."""
    random = np.random.default_rng(0)
    for index in range(count):
        recipe = make_recipe(Unit(layer=_LAYER, index=index))
        reached = round(float(random.gamma(4)), 6)
        recipe = recipe.model_copy(update={"activation": recipe.activation.model_copy(update={"picture": reached})})
        curve = reached * (1 - np.exp(-np.arange(_STEPS) / 90)) + random.normal(0, 0.1, _STEPS)
        save_png(_noise(random), folder / f"neuron_{index}_{_LAYER}.png", recipe, curve.astype(np.float32))


def _noise(random: np.random.Generator) -> NDArray[np.uint8]:
    across, down = np.meshgrid(np.fft.rfftfreq(_SIDE), np.fft.fftfreq(_SIDE))
    falling = 1 / np.maximum(1 / _SIDE, np.hypot(across, down)) ** 1.2
    spectrum = np.fft.rfft2(random.normal(size=(3, _SIDE, _SIDE))) * falling
    values = np.fft.irfft2(spectrum, s=(_SIDE, _SIDE))
    values = values / values.std(axis=(1, 2), keepdims=True) * 45 + 128 + random.normal(0, 2, values.shape)
    return np.ascontiguousarray(values.clip(0, 255).transpose(1, 2, 0), dtype=np.uint8)


def measure(browser: Browser, page: Path, count: int) -> None:
    """Open a page, filter and scroll; print the times."""
    browser.resize(1440, 900)
    browser.open(page)
    shown = browser.execute_async_script(_SHOWN)
    loaded = browser.execute_script("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"DOMContentLoaded after {loaded:.0f} ms, first picture after {shown:.0f} ms")
    words = ["1", "12", "0:3000:7", "gelu", "nothing", ""] * 3
    times = [browser.execute_async_script(_FILTER, word) for word in words]
    print(f"a filter shows after {statistics.median(times):.0f} ms, {max(times):.0f} ms at most")
    for name, step in (("wheel", 100), ("fast", 900)):
        gaps = sorted(browser.execute_async_script(_SCROLL, step))
        print(
            f"{name} scroll, {step} px a frame: {len(gaps)} frames, median {statistics.median(gaps):.1f} ms, "
            f"p95 {gaps[int(0.95 * len(gaps))]:.0f} ms, longest {gaps[-1]:.0f} ms"
        )
    memory = browser.execute_script("return performance.memory.usedJSHeapSize") / 1e6
    print(f"JavaScript heap with {count} pictures: {memory:.0f} MB")


if __name__ == "__main__":
    main()
