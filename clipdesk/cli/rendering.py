"""``clipdesk render``, ``batch`` and ``quickstart``."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

from clipdesk.cli.listing import find_model, model_option, trust_option
from clipdesk.cli.options import FOLDER, WORKER_PLACES, on_option, settings_from, settings_options, was_given
from clipdesk.cli.output import say_lines
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import UsageError
from clipdesk.models.catalogue import EMBEDDED, SHOWPIECES
from clipdesk.render.presets import default_preset

if TYPE_CHECKING:
    from clipdesk.cli.best import Best

_QUICK_STEPS = 150


@click.command()
@model_option
@trust_option
@click.option("--layer", help="Name of a layer ('clipdesk layers'), full or short: 3.mlp.gelu.")
@click.option("--neuron", type=int, multiple=True, help="A neuron of the layer; may be given several times.")
@click.option("--text", multiple=True, help="A text instead of a neuron; may be given several times.")
@click.option(
    "--target",
    multiple=True,
    metavar="EXPRESSION",
    help="More than a neuron or a text: '\"a star\" - \"a circle\"', 'LAYER:7@max + 0.5*LAYER:9', '-LAYER:7'. "
    "Positions are @class, @max, @NUMBER; LAYER:[FILE] is a direction, others(LAYER:7) all units but one, "
    "decoder(LAYER:7) what a latent writes.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="Make the picture of this PNG again, from the recipe inside; other options change it.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help=f"PNG to write, or a folder.  [default: {FOLDER}]"
)
@click.option(
    "--animation",
    metavar="webp|gif|mp4",
    help="Also write how each picture formed, as an animation beside it: x.webp beside x.png.",
)
@click.option(
    "--best-of",
    type=click.IntRange(2, 64),
    metavar="N",
    help="Render each picture with N seeds, check all as 'clipdesk check' does, and keep the one that is nearest to "
    "the pictures of a survey that excite its target most.",
)
@click.option("--reader", metavar="MODEL", help="With --best-of, a second model that reads the pictures, as of check.")
@click.option("--images", metavar="SET", help="With --best-of, ask the newest survey of these images.")
@click.option("--survey", metavar="NAME", help="With --best-of, ask this survey.")
@settings_options
def render(
    model: str,
    trust_archive: bool,
    layer: str | None,
    neuron: tuple[int, ...],
    text: tuple[str, ...],
    target: tuple[str, ...],
    source: Path | None,
    output: Path | None,
    animation: str | None,
    best_of: int | None,
    reader: str | None,
    images: str | None,
    survey: str | None,
    preset: str | None,
    **changes: object,
) -> None:
    """Render a picture for a neuron, a text, or a sum of such."""
    _check_best_of(best_of, reader, images, survey, source, animation)
    if source is not None:
        if layer or neuron or text or target or was_given("preset"):
            raise UsageError("--from takes target and preset from the picture. Leave them out")
        if was_given("sae") and not was_given("model"):
            raise UsageError("--from takes the sparse autoencoder from the picture. For another one, add --model")
        named = model if was_given("model") else None
        _working().render_again(source, named, trust_archive, output, animation, changes)
        return
    name = find_model(model, trust_archive)
    settings = settings_from(preset or default_preset(name), changes)
    targets = _working().targets_from(layer, neuron, text, target)
    best = _best(best_of, reader, Wanted(name, True, images, survey)) if best_of else None
    _working().render_pictures(name, targets, settings, output, animation, best)


def _check_best_of(
    best_of: int | None,
    reader: str | None,
    images: str | None,
    survey: str | None,
    source: Path | None,
    animation: str | None,
) -> None:
    if best_of is None:
        named = next((name for name in ("reader", "images", "survey") if was_given(name)), None)
        if named is not None:
            raise UsageError(f"--{named} is of --best-of: say of how many seeds, e.g. --best-of 4")
    elif source is not None:
        raise UsageError("--from makes a picture again, with its own seed. Leave out --best-of")
    elif animation is not None:
        raise UsageError("Which of several pictures is kept is known at the end. Leave out --animation or --best-of")
    elif images is not None and survey is not None:
        raise UsageError("--survey names one survey, so leave out --images")


@click.command()
@model_option
@trust_option
@click.option("--layer", required=True, help="Name of a layer ('clipdesk layers'), full or short: 3.mlp.gelu.")
@click.option(
    "--neuron-range",
    type=int,
    nargs=3,
    required=True,
    metavar="START END STEP",
    help="Neurons from START, END left out, every STEP: 0 768 16.",
)
@click.option(
    "-o", "--output-dir", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Folder to write to."
)
@click.option("--seed-base", type=int, help="Give neuron i the seed SEED_BASE + i, instead of the same to all.")
@click.option("--no-skip", is_flag=True, help="Render also what the folder already has.")
@on_option
@settings_options
def batch(
    model: str,
    trust_archive: bool,
    layer: str,
    neuron_range: tuple[int, int, int],
    output_dir: Path,
    seed_base: int | None,
    no_skip: bool,
    place: str | None,
    preset: str | None,
    **changes: object,
) -> None:
    """Render a range of neurons of a layer into a folder.

    What the folder already has, made with the same settings, is skipped; LAYER_metadata.json says what was made.
    """
    name = find_model(model, trust_archive)
    settings = settings_from(preset or default_preset(name), changes)
    indices = _indices(neuron_range)
    if seed_base is not None and seed_base < 0:
        raise UsageError(f"--seed-base must be 0 or more, not {seed_base}")
    _working().render_batch(
        name, layer, indices, settings, output_dir, seed_base=seed_base, skip=not no_skip, place=place
    )


def _indices(neuron_range: tuple[int, int, int]) -> range:
    start, end, step = neuron_range
    if step < 1:
        raise UsageError(f"--neuron-range: STEP must be 1 or more, not {step}")
    if start < 0:
        raise UsageError(f"--neuron-range: START must be 0 or more, not {start}")
    if end <= start:
        raise UsageError(f"--neuron-range {start} {end} {step} names no neurons: END must be greater than START")
    return range(start, end, step)


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help=f"PNG to write, or a folder.  [default: {FOLDER}]"
)
def quickstart(output: Path | None) -> None:
    """Render one neuron of the embedded model that has a clear picture, to prove that everything works."""
    layer, index = SHOWPIECES[EMBEDDED]
    settings = settings_from("standard", {"iterations": _QUICK_STEPS})
    targets = _working().targets_from(layer, (index,), (), ())
    _working().render_pictures(find_model(EMBEDDED, False), targets, settings, output)
    say_lines(
        f"\nThat was neuron {index} of {layer}. Next:\n"
        "  clipdesk                                    the window\n"
        "  clipdesk layers                             every layer of the model\n"
        f"  clipdesk render --layer {layer} --neuron 1\n"
        '  clipdesk render --text "a star"\n'
        "The same in Python:\n"
        "  import clipdesk\n"
        f'  visualizer = clipdesk.FeatureVisualizer("{EMBEDDED}")\n'
        f'  picture = visualizer.generate_image("{layer}", {index}, num_iterations={_QUICK_STEPS})\n'
        '  clipdesk.save_picture(picture, "neuron.png")',
        err=True,
    )


@click.command()
@click.option(
    "--spool",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Work for the head that runs 'queue run --on spool:FOLDER'. Both must see this folder.",
)
@click.option("--on", "place", metavar="PLACE", help=f"With --spool, whose workers: {WORKER_PLACES}.")
@click.option(
    "--idle",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="With --spool, end after so many minutes without a head.",
)
@click.option("--threads", type=int, hidden=True)
def worker(spool: Path | None, place: str | None, idle: float, threads: int | None) -> None:
    """Lend this computer's GPUs, or its cores, to a ClipDesk elsewhere.

    Without --spool it works for the ClipDesk that has started it.
    """
    if spool is None:
        _working().work_for_head(threads)
    else:
        # Not by _working, which takes torch along: this may be all that runs on a node beside its workers.
        importlib.import_module("clipdesk.cli.lending").lend(spool, place, idle)


def _best(count: int, reader: str | None, wanted: Wanted) -> Best:
    found: Best = importlib.import_module("clipdesk.cli.best").Best(count, reader, wanted)
    return found


def _working() -> ModuleType:
    # Only when one of them runs: it takes NumPy along.
    from clipdesk.cli import working

    return working
