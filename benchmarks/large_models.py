"""Time the architecture tree and the neuron table at the size of the largest models.

    QT_QPA_PLATFORM=offscreen python -m benchmarks.large_models

Builds ViT-L/14 and RN50x64 without weights (on torch's meta device). Prints the median time in milliseconds to show the
tree, to filter it, and from the choice of a layer until the table shows its units.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from clip.model import CLIP
from PySide6.QtWidgets import QApplication

from clipdesk.gui.app import make_application
from clipdesk.gui.panels.architecture import ArchitecturePanel
from clipdesk.gui.panels.neurons import NeuronsPanel
from clipdesk.network.inspector import LayerInspector

_MODELS: dict[str, tuple[int, int, int | tuple[int, int, int, int], int, int | None]] = {
    "ViT-L/14": (768, 224, 24, 1024, 14),
    "RN50x64": (1024, 448, (3, 15, 36, 10), 128, None),
}
_TIMES = 9


def main() -> None:
    """Measure and print."""
    app = make_application()
    for name, (embedding, side, layers, width, patch) in _MODELS.items():
        with torch.device("meta"):
            model = CLIP(embedding, side, layers, width, patch, 77, 49408, 512, 8, 1).eval().requires_grad_(False)
        _measure(app, name, LayerInspector(model))


def _measure(app: QApplication, name: str, inspector: LayerInspector) -> None:
    names = inspector.get_layer_names()
    tree, table = ArchitecturePanel(), NeuronsPanel()
    tree.layer_chosen.connect(table.show_layer)
    for panel in (tree, table):
        panel.resize(460, 480)
        panel.show()
    shown = _median(app, lambda: tree.show_tree(inspector.tree))
    filtered = _median(app, lambda: tree.filter.setText("" if tree.filter.text() else "conv"))
    tree.filter.clear()
    steps = iter(names[:: max(1, len(names) // (_TIMES + 1))])
    chosen = _median(app, lambda: tree.choose(next(steps)))
    print(f"{name}, {len(names)} layers: tree {shown:.0f}, filter {filtered:.0f}, layer chosen {chosen:.0f} ms")


def _median(app: QApplication, act: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        act()
        app.processEvents()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


if __name__ == "__main__":
    main()
