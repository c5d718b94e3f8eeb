"""Measure the smoothness of the window with a very full queue, table and gallery.

Run with a display, e.g. under Xvfb:

    xvfb-run -s "-screen 0 1920x1200x24" python -m benchmarks.scale

A layer of 50,000 units is shown, sorted and filtered, also while all of its units wait in the queue. A batch of 100,000
units and 500 batches of 200 are queued, and a folder of 10,000 pictures is read; each view is scrolled from end to end.
Prints the longest wait of the event loop, and the part of it that the window itself computed; the rest belongs to other
programs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication

from benchmarks.desk import Ticks, open_window, wait
from clipdesk.export.png import save_png
from clipdesk.export.recipe import Activations, Recipe
from clipdesk.gui.center import GALLERY
from clipdesk.gui.item_models.unit_columns import COLUMNS, column_of
from clipdesk.gui.library import entry_of
from clipdesk.gui.main_window import MainWindow
from clipdesk.jobs.events import Result
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

T = TypeVar("T")

_LAYER = "visual.transformer.resblocks.3.mlp.gelu"
_SIDE = 128
_SCROLLS = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=100_000, help="in the queue, twice")
    parser.add_argument("--rows", type=int, default=50_000, help="in the table")
    parser.add_argument("--pictures", type=int, default=10_000, help="in the gallery")
    arguments = parser.parse_args()
    with open_window() as window, tempfile.TemporaryDirectory() as folder:
        fill_table(window, arguments.rows)
        fill_queue(window, arguments.units)
        fill_gallery(window, Path(folder), arguments.pictures)


def report(window: MainWindow, what: str, act: Callable[[], object], until: Callable[[], bool] = lambda: True) -> None:
    """Do something, run the event loop until it is done, and print the longest wait of the loop."""
    rest()
    ticks = Ticks(window)
    rest()
    started = time.perf_counter()
    act()
    wait(until)
    seconds = time.perf_counter() - started
    rest()
    gaps = ticks.stop()
    worst = int(gaps.argmax())
    print(
        f"{what:40} worst {gaps[worst]:4.0f} ms, {ticks.computing[worst]:4.0f} ms of it computing; "
        f"{(gaps > 100).sum()} over 100 ms, in {seconds:.1f} s",
        flush=True,
    )


def rest(seconds: float = 0.3) -> None:
    """Let the event loop run for a while, at least once."""
    QApplication.processEvents()
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


def each(act: Callable[[T], object], things: Sequence[T]) -> None:
    """Do something with each item in turn, at the pace of a person."""
    for thing in things:
        act(thing)
        rest(0)


def scroll(view: QAbstractItemView) -> None:
    """Scroll from end to end."""
    bar = view.verticalScrollBar()
    for value in np.linspace(bar.minimum(), bar.maximum(), _SCROLLS):
        bar.setValue(int(value))
        rest(0.01)


def fill_table(window: MainWindow, rows: int) -> None:
    """Measure a layer of very many units."""
    table, layer = window.neurons.table, window.neurons.model.layer
    if layer is None:
        raise RuntimeError("no layer is shown")
    report(window, f"table of {rows:,} rows: open", lambda: window.neurons.show_layer(replace(layer, units=rows)))
    report(window, "scroll", lambda: scroll(table))
    report(window, "sort by status", lambda: table.sortByColumn(column_of("status"), Qt.SortOrder.DescendingOrder))
    report(
        window, "sort by activation", lambda: table.sortByColumn(column_of("activation"), Qt.SortOrder.DescendingOrder)
    )
    report(window, "filter", lambda: window.neurons.model.set_filter("77"))
    report(window, "filter cleared", lambda: window.neurons.model.set_filter(""))
    report(window, "select all", table.selectAll)
    report(window, "scroll all selected", lambda: scroll(table))
    table.clearSelection()
    sort_waiting(window, layer.name, rows)


def sort_waiting(window: MainWindow, layer: str, rows: int) -> None:
    """Sort the same rows by each column while all of them wait in the queue."""
    window.controller.hold(True)
    targets = tuple(Unit(layer=layer, index=i) for i in range(rows))
    report(window, f"queue all {rows:,} rows", lambda: window.asking.add_batch(targets))
    for place, column in enumerate(COLUMNS):
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            what = f"sort by {column.key}, {order.name.removesuffix('Order').lower()}"
            report(window, what, partial(window.neurons.table.sortByColumn, place, order))
    report(window, "filter by status", lambda: window.neurons.model.set_filter("waiting"))
    report(window, "filter cleared", lambda: window.neurons.model.set_filter(""))
    each(window.controller.remove, list(window.controller.queue))


def fill_queue(window: MainWindow, units: int) -> None:
    """Queue one batch of very many units, then many batches with as many units in total; nothing runs."""
    window.controller.hold(True)
    targets = tuple(Unit(layer=_LAYER, index=i) for i in range(units))
    report(window, f"queue a batch of {units:,} units", lambda: window.asking.add_batch(targets))
    some = [targets[start : start + 200] for start in range(0, units, 200)]
    report(window, f"queue {len(some)} batches of 200", lambda: each(window.asking.add_batch, some))
    report(window, "scroll", lambda: scroll(window.queue.list))
    report(window, "select all", window.queue.list.selectAll)
    window.queue.list.clearSelection()
    report(window, "remove all", lambda: each(window.controller.remove, list(window.controller.queue)))


def fill_gallery(window: MainWindow, folder: Path, pictures: int) -> None:
    """Show a folder of very many pictures, and add one picture meanwhile."""
    make_pictures(folder, pictures)
    gallery, library = window.gallery, window.library
    scanned: list[int] = []
    library.scanned.connect(scanned.append)
    window.center.show_mode(GALLERY)
    report(window, f"read {pictures:,} pictures", lambda: window.session.use_folder(folder), lambda: bool(scanned))
    report(window, "scroll", lambda: scroll(gallery.list))
    newest = entry_of(result(pictures), folder / "newest.png")
    report(window, "a picture more", lambda: gallery.model.add([newest]))
    first, flags = gallery.model.index(0), QItemSelectionModel.SelectionFlag.ClearAndSelect
    report(window, "choose one", lambda: gallery.list.selectionModel().select(first, flags))
    report(window, "search", lambda: gallery.bar.search.setText(f"{_LAYER}1"))
    report(window, "search cleared", gallery.bar.search.clear)
    for place in reversed(range(gallery.bar.order.count())):
        report(window, f"{gallery.bar.order.itemText(place)}", partial(gallery.bar.order.setCurrentIndex, place))
    report(window, "select all", gallery.list.selectAll)
    report(window, "sort all selected", lambda: gallery.bar.order.setCurrentIndex(2))
    report(window, "another size", lambda: gallery.bar.size_slider.setValue(80))


def make_pictures(folder: Path, count: int) -> None:
    """Write pictures of ten layers, dated a second apart."""
    for i in range(count):
        made = result(i)
        save_png(made.image, folder / f"{i}.png", made.recipe)


def result(i: int) -> Result:
    """Write the `i`-th picture: a few colours, with a recipe like that of a render."""
    target, settings = Unit(layer=f"{_LAYER}{i % 10}", index=i), make_settings(iterations=1)
    recipe = Recipe(
        clipdesk="0",
        torch="0",
        model="demo",
        target=target,
        settings=settings,
        steps=1,
        activation=Activations(start=0, end=1, best=1, picture=1),
        device="cpu",
        seconds=1,
        date=(datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=i)).isoformat(),
    )
    colours = np.random.default_rng(i).integers(256, size=(4, 4, 3), dtype=np.uint8)
    image = colours.repeat(_SIDE // 4, 0).repeat(_SIDE // 4, 1)
    curve = np.ones(1, np.float32)
    return Result(target, settings, image, curve, activation=1.0, seconds=1.0, complete=True, recipe=recipe)


if __name__ == "__main__":
    main()
