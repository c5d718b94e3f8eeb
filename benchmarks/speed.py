"""Time a step: ``python -m benchmarks.speed``.

Compares ClipDesk with torch-lucent (``pip install 'clipdesk[peers]'``) on a unit in the middle of a ViT-B/32 with
random weights, at 224 px; on a GPU it also times a whole layer. All methods take turns in every round, so that a
machine that slows down affects all alike. Prints medians over the rounds, and ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from clip.model import CLIP
from torch import Tensor

from benchmarks.whole_layer import report
from clipdesk.models.loading import resolve_device
from clipdesk.network.capture import LayerCapture, pooled
from clipdesk.network.frozen import frozen
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.normalization import normalized
from clipdesk.network.precision import precision_of
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit

LAYER = "visual.transformer.resblocks.5.mlp"
SIDE, BATCH, MOST_STEPS = 224, 8, 5_000
LUCENT = "torch-lucent, one picture"
OURS, ALONE = f"default precision, {BATCH} pictures, draft's recipe", f"the network alone, {BATCH} pictures"
_WARM_UP = 5
"""Number of steps; on a GPU the fourth is captured."""

Run = Callable[[int], float]
"""Takes a number of steps; returns the seconds per step and picture."""


def base_model(seed: int = 0) -> CLIP:
    """A ViT-B/32 with random weights, in float32, as `clip.load` returns it on a CPU."""
    torch.manual_seed(seed)
    return CLIP(512, SIDE, 12, 768, 32, 77, 49408, 512, 8, 12).eval().float()


def timed(steps: int, pictures: int, work: Callable[[], object]) -> float:
    """Seconds of work per step and picture."""
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / steps / pictures


def clipdesk(model: CLIP, pictures: int, preset: str, device: str, precision: str) -> Run:
    """ClipDesk's loop; the first steps warm up and are not timed."""
    targets: list[Target] = [Unit(layer=LAYER, index=index) for index in range(pictures)]
    settings = make_settings(preset, iterations=MOST_STEPS, device=device, precision=precision)
    inspector = LayerInspector(model)

    def run(steps: int) -> float:
        frames = render(model, targets, settings, inspector=inspector)
        for _ in range(_WARM_UP):
            next(frames)
        return timed(steps, pictures, lambda: [next(frames) for _ in range(steps)])

    return run


def bare(model: CLIP, pictures: int, device: str) -> Run:
    """The network alone, forward up to the layer and back to its input, in ClipDesk's default precision."""
    info = LayerInspector(model).visualizable(LAYER)
    half = precision_of("auto", model, torch.device(device)) == "bfloat16"
    pixels = torch.rand(pictures, 3, SIDE, SIDE, device=device)

    def run(steps: int) -> float:
        with frozen(model):
            capture = LayerCapture(model, [info], half=half)

            def once() -> Tensor:
                inputs = normalized(pixels).requires_grad_()
                score = pooled(capture.run(inputs)[LAYER].float(), info)[:, 0].sum()
                return torch.autograd.grad(score, inputs)[0]

            once()
            return timed(steps, pictures, lambda: [once() for _ in range(steps)])

    return run


def lucent(model: CLIP) -> Run:
    """torch-lucent with its defaults, on the model as it was loaded; it uses a GPU if there is one."""
    from lucent.optvis import param
    from lucent.optvis.render import render_vis

    tower = model.visual

    def run(steps: int) -> float:
        def take(count: int) -> object:
            return render_vis(
                tower,
                lambda layer: -layer("transformer_resblocks_5_mlp")[1:, :, 0].mean(),
                lambda: param.image(SIDE),
                thresholds=(count,),
                preprocess=True,
                progress=False,
                show_image=False,
                fixed_image_size=SIDE,
            )

        take(1)
        return timed(steps, 1, lambda: take(steps))

    return run


def ways(device: str) -> Iterator[tuple[str, Run]]:
    """The methods that take turns, by name; each has its own model."""
    if device.startswith("cuda") or not torch.cuda.is_available():
        yield LUCENT, lucent(base_model().to(device))
    ours = base_model().to(device)
    yield "float32, one picture, its transforms", clipdesk(ours, 1, "lucid", device, "float32")
    yield "default precision, one picture, its transforms", clipdesk(ours, 1, "lucid", device, "auto")
    yield f"default precision, {BATCH} pictures, its transforms", clipdesk(ours, BATCH, "lucid", device, "auto")
    yield OURS, clipdesk(ours, BATCH, "draft", device, "auto")
    if not device.startswith("cuda"):
        # On a GPU the network alone would only measure the time to start its kernels.
        yield ALONE, bare(ours, BATCH, device)


def main() -> None:
    """Parse the command line, take turns, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description="Time ClipDesk and torch-lucent.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=6, help="steps of each method in each round")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="threads of torch; default: all")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = str(resolve_device(arguments.device))
    turns = dict(ways(device))
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(arguments.rounds):
        for name, run in turns.items():
            seconds[name].append(run(arguments.steps))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}, {arguments.rounds} rounds")
    for name, median in medians.items():
        spread = f"{min(seconds[name]):.5f} to {max(seconds[name]):.5f}"
        ratio = f"  {medians[LUCENT] / median:5.2f} x torch-lucent" if LUCENT in medians else ""
        print(f"{name:51} {median:.5f} s a step and picture ({spread}){ratio}")
    if ALONE in medians:
        step, alone = medians[OURS], medians[ALONE]
        around = 100 * (1 - alone / step)
        print(f"around the network: {around:.0f} % of the step; the step is {step / alone:.2f} x it alone")
    if arguments.json:
        arguments.json.write_text(json.dumps({"device": device, "seconds": seconds, "medians": medians}, indent=1))
    if device.startswith("cuda"):
        report(base_model().to(device), LAYER, "draft", seconds[LUCENT])


if __name__ == "__main__":
    main()
