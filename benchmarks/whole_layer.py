"""Time a whole layer on a GPU, for `benchmarks.speed`."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from clipdesk.jobs.groups import find_group_size
from clipdesk.network.capture import LayerCapture, pooled
from clipdesk.network.frozen import frozen
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.normalization import normalized
from clipdesk.render.loop import Frame, render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit

ITERATIONS = 1_000
COMPARED = 50
"""Number of units that are also rendered in float32."""
_PRODUCT, _PRODUCTS = 8_192, 20


def report(model: CLIP, layer: str, preset: str, lucent: Sequence[float]) -> None:
    """Time one picture and a whole layer, and print both.

    Args:
        model: The model, on the GPU.
        layer: The layer; all its units are rendered.
        preset: Preset of the pictures, with a thousand steps.
        lucent: Seconds of a step of torch-lucent in each round.
    """
    inspector = LayerInspector(model)
    device = str(next(model.parameters()).device)
    settings = make_settings(preset, iterations=ITERATIONS, device=device)
    units: list[Target] = [Unit(layer=layer, index=i) for i in range(inspector.visualizable(layer).units)]
    size = find_group_size(model, settings, inspector, units[0])

    def rendered(targets: Sequence[Target], precision: str = "auto") -> tuple[float, NDArray[np.float32]]:
        """Seconds to render the pictures, and their activations."""
        started, activations = time.perf_counter(), []
        recipe = settings.model_copy(update={"precision": precision})
        for start in range(0, len(targets), size):
            group = targets[start : start + size]
            last: Frame = deque(render(model, group, recipe, inspector=inspector), maxlen=1).pop()
            last.images()
            activations.append(last.clean_activations())
        return time.perf_counter() - started, np.concatenate(activations)

    rendered(units[:1])
    one = [rendered([unit])[0] for unit in units[:5]]
    seconds, activations = rendered(units)
    _, exact = rendered(units[:COMPARED], "float32")
    shares = activations[:COMPARED] / exact
    minute, of_lucent = 60 * len(units) / seconds, 60 / (statistics.median(lucent) * ITERATIONS)
    rate, most = _flops(model, layer) * ITERATIONS * len(units) / seconds, _product_rate(device)
    print(f"{preset}, {ITERATIONS} steps, {layer}, groups of {size}")
    print(f"one unit: {statistics.median(one):.2f} s ({min(one):.2f} to {max(one):.2f})")
    print(f"all {len(units)} units: {seconds:.1f} s, {minute:.0f} pictures a minute")
    print(f"torch-lucent: {of_lucent:.2f} pictures a minute; ClipDesk {minute / of_lucent:.0f} x that")
    print(
        f"the network's products: {rate / 1e12:.0f} TFLOP/s, {100 * rate / most:.0f} % of a large product's rate here"
    )
    print(f"activation against float32, {COMPARED} units: median {np.median(shares):.3f}, mean {shares.mean():.3f}")


def _flops(model: CLIP, layer: str) -> int:
    """Floating-point operations of a picture's step in the network, forward up to the layer and backward."""
    info = LayerInspector(model).visualizable(layer)
    side = model.visual.input_resolution
    pixels = torch.rand(1, 3, side, side, device=next(model.parameters()).device)
    with frozen(model), FlopCounterMode(display=False) as counter:
        inputs = normalized(pixels).requires_grad_()
        torch.autograd.backward(pooled(LayerCapture(model, [info]).run(inputs)[layer], info)[:, 0].sum())
    return int(counter.get_total_flops())


def _product_rate(device: str) -> float:
    """Operations a second of a large matrix product in bfloat16."""
    one, other = (torch.randn(_PRODUCT, _PRODUCT, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = 0.0
    for _ in range(2):  # the first time warms up
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(_PRODUCTS):
            one @ other
        torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    return float(2 * _PRODUCT**3 * _PRODUCTS / seconds)
