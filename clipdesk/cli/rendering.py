"""``clipdesk render``, ``batch`` and ``quickstart``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clipdesk.cli.listing import check_model, model_option, trust_option
from clipdesk.cli.options import given, settings_from, settings_options, was_given
from clipdesk.cli.terminal import INTERRUPTED, Bar, DownloadBar, interruptible, said_if_slow
from clipdesk.errors import UsageError
from clipdesk.models.catalogue import EMBEDDED, SHOWPIECES
from clipdesk.render.presets import default_preset

if TYPE_CHECKING:
    from clipdesk.jobs.job import Job
    from clipdesk.jobs.recording import Recording
    from clipdesk.jobs.runner import Result
    from clipdesk.render.targets import Target

FOLDER = "generated_images"
_QUICK_STEPS = 150


@click.command()
@model_option
@trust_option
@click.option("--layer", help="Dotted name of a layer ('clipdesk layers').")
@click.option("--neuron", type=int, multiple=True, help="A neuron of the layer; may be given several times.")
@click.option("--text", multiple=True, help="A text instead of a neuron; may be given several times.")
@click.option(
    "--target",
    multiple=True,
    metavar="EXPRESSION",
    help="More than a neuron or a text: '\"a star\" - \"a circle\"', 'LAYER:7@max + 0.5*LAYER:9', '-LAYER:7'. "
    "Places are @class, @max, @NUMBER; LAYER:[FILE] is a direction, others(LAYER:7) all units but one.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="Make the picture of this PNG again, from the recipe inside; other options change it.",
)
@click.option("--output", type=click.Path(path_type=Path), help=f"PNG to write, or a folder.  [default: {FOLDER}]")
@click.option(
    "--animation",
    metavar="webp|gif|mp4",
    help="Also write how each picture formed, as an animation beside it: x.webp beside x.png.",
)
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
    preset: str | None,
    **changes: object,
) -> None:
    """Render a picture for a neuron, a text, or a sum of such."""
    if animation is not None:
        from clipdesk.export.animation import check_format

        check_format(animation)
    if source is not None:
        if layer or neuron or text or target or was_given("preset"):
            raise UsageError("--from takes target and preset from the picture. Leave them out")
        _render_again(source, model if was_given("model") else None, trust_archive, output, animation, changes)
        return
    check_model(model, trust_archive)
    settings = settings_from(preset or default_preset(model), changes)
    targets = _targets(layer, neuron, text, target)
    from clipdesk.jobs.job import Job

    _render(Job(model=model, targets=targets, settings=settings), _output_paths(output, targets), animation)


def _render_again(
    source: Path,
    model: str | None,
    trust_archive: bool,
    output: Path | None,
    animation: str | None,
    changes: Mapping[str, object],
) -> None:
    from clipdesk.export.png import read_recipe
    from clipdesk.jobs.job import Job
    from clipdesk.render.settings import changed

    recipe = read_recipe(source)
    job = Job.from_recipe(recipe)
    settings = changed(job.settings, given(changes))
    job = job.model_copy(update={"model": model or job.model, "settings": settings})
    check_model(job.model, trust_archive)
    paths = _output_paths(output, job.targets)
    if not recipe.complete:
        click.echo(f"{source} was stopped at step {recipe.steps}; this one goes to the end.", err=True)
    from clipdesk.models.loading import weights_sha256

    if recipe.weights not in (None, weights_sha256(job.model)):
        click.echo(
            f"{source} was made with other weights than those of {job.model}: the picture will differ.", err=True
        )
    _render(job, paths, animation)


def _targets(
    layer: str | None, neurons: tuple[int, ...], texts: tuple[str, ...], expressions: tuple[str, ...]
) -> tuple[Target, ...]:
    from clipdesk.render.expressions import parse_target
    from clipdesk.render.targets import Text, Unit

    if sum(map(bool, (texts, layer or neurons, expressions))) > 1:
        raise UsageError("Name one of --layer with --neuron, --text, and --target, not several")
    if expressions:
        return tuple(parse_target(expression) for expression in expressions)
    if texts:
        if not all(text.strip() for text in texts):
            raise UsageError("--text is empty. Say what the picture is to show, e.g. --text 'a star'")
        return tuple(Text(text=text) for text in texts)
    if layer is not None and not neurons:
        raise UsageError("--layer needs --neuron N, once for each neuron; 'clipdesk batch' renders a range of them")
    if layer is None:
        raise UsageError("Name what to render: --layer LAYER --neuron N, --text 'a star', or --target EXPRESSION")
    for index in neurons:
        if index < 0:
            raise UsageError(f"--neuron must be 0 or more, not {index}")
    return tuple(Unit(layer=layer, index=index) for index in neurons)


def _output_paths(output: Path | None, targets: tuple[Target, ...]) -> list[Path]:
    """A file for each target."""
    from clipdesk.export.files import free_path, picture_name

    place = output or Path(FOLDER)
    if place.suffix.lower() == ".png" and not place.is_dir():
        if len(targets) > 1:
            raise UsageError(f"--output {place} is one file, but there are {len(targets)} pictures. Name a folder")
        return [place]
    if place.suffix and not place.is_dir():
        raise UsageError(f"--output must end in .png or be a folder, not {place}")
    now = datetime.now()
    return [free_path(place / picture_name(target, now)) for target in targets]


def _render(job: Job, paths: list[Path], animation: str | None = None) -> None:
    """Render and save a job's targets, with a progress bar; exits with 130 after Ctrl-C and with 1 if one failed."""
    from clipdesk.export.files import check_folder, make_folder
    from clipdesk.export.png import save_png
    from clipdesk.jobs.drain import opened
    from clipdesk.jobs.recording import Recording
    from clipdesk.jobs.runner import Failure, Progress, problem_with, run_job

    check_folder(paths[0].parent)
    with DownloadBar() as download:
        model, inspector = opened(job.model, job.settings.device, progress=download)
    for target in job.targets:
        problem = problem_with(target, inspector)
        if problem:
            raise UsageError(problem)
    # Once the targets are known to be there, and before anything is rendered.
    make_folder(paths[0].parent)
    recording = Recording(model, inspector, job) if animation else None
    group_size = recording.group_size if recording else None
    place = dict(zip(job.targets, paths, strict=True))
    code, steps, before = 0, 0, 0
    with interruptible() as interrupt, Bar(job.settings.iterations * len(job.targets), _title(job.targets)) as bar:
        for event in run_job(model, job, inspector=inspector, group_size=group_size, stop=interrupt):
            if recording:
                recording.add(event)
            if isinstance(event, Progress):
                steps = before + event.frame.step * len(event.targets)
                bar.update(steps, float(event.frame.activations.mean()))
                continue
            before = steps
            if isinstance(event, Failure):
                click.echo(f"Error: {event.target.label}: {event.reason}", err=True)
                code = 1
                continue
            path = place[event.target]
            save_png(event.saved_image, path, event.recipe, event.curve)
            if not event.complete:
                click.echo(f"Interrupted after step {len(event.curve)}.", err=True)
            click.echo(path)
            if recording:
                _animate(event, recording, path.with_suffix(f".{animation}"))
    if interrupt.requested:
        code = INTERRUPTED
    if code:
        raise SystemExit(code)


def _animate(result: Result, recording: Recording, path: Path) -> None:
    from clipdesk.export.animation import save_animation

    with said_if_slow(f"Saving {path} ..."):
        save_animation(recording.take(result), path, result.recipe)
    click.echo(path)


def _title(targets: tuple[Target, ...]) -> str:
    return targets[0].label if len(targets) == 1 else f"{len(targets)} pictures"


@click.command()
@model_option
@trust_option
@click.option("--layer", required=True, help="Dotted name of a layer ('clipdesk layers').")
@click.option(
    "--neuron-range",
    type=int,
    nargs=3,
    required=True,
    metavar="START END STEP",
    help="Neurons from START, END left out, every STEP: 0 768 16.",
)
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Folder to write to."
)
@click.option("--seed-base", type=int, help="Give neuron i the seed SEED_BASE + i, instead of the same to all.")
@click.option("--no-skip", is_flag=True, help="Render also what the folder already has.")
@settings_options
def batch(
    model: str,
    trust_archive: bool,
    layer: str,
    neuron_range: tuple[int, int, int],
    output_dir: Path,
    seed_base: int | None,
    no_skip: bool,
    preset: str | None,
    **changes: object,
) -> None:
    """Render a range of neurons of a layer into a folder.

    What the folder already has, made with the same settings, is skipped; LAYER_metadata.json says what was made.
    """
    check_model(model, trust_archive)
    settings = settings_from(preset or default_preset(model), changes)
    indices = _indices(neuron_range)
    if seed_base is not None and seed_base < 0:
        raise UsageError(f"--seed-base must be 0 or more, not {seed_base}")
    from clipdesk.jobs.job import Job
    from clipdesk.render.targets import Unit

    targets = tuple(Unit(layer=layer, index=index) for index in indices)
    job = Job(model=model, targets=targets, settings=settings, seed_base=seed_base)
    _batch(job, layer, indices, output_dir, skip=not no_skip)


def _indices(neuron_range: tuple[int, int, int]) -> range:
    start, end, step = neuron_range
    if step < 1:
        raise UsageError(f"--neuron-range: STEP must be 1 or more, not {step}")
    if start < 0:
        raise UsageError(f"--neuron-range: START must be 0 or more, not {start}")
    if end <= start:
        raise UsageError(f"--neuron-range {start} {end} {step} holds no neuron: END must be greater than START")
    return range(start, end, step)


def _batch(job: Job, layer: str, indices: range, folder: Path, *, skip: bool) -> None:
    from clipdesk.cli.queue import follow, opened_store
    from clipdesk.export.files import check_folder, make_folder
    from clipdesk.export.metadata import BatchMetadata
    from clipdesk.jobs.drain import opened

    # What is wrong with the job is said before it is in the queue; a model may take long to open.
    check_folder(folder)
    with DownloadBar() as download:
        _, inspector = opened(job.model, job.settings.device, progress=download)
    for index in indices:
        inspector.check_unit(layer, index)
    make_folder(folder)
    BatchMetadata.open(folder, layer, job.model)
    store = opened_store()
    number = store.again(job, folder, skip=skip) or store.add(job, folder, skip=skip)
    try:
        follow(store, [store.get(number)], number)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            click.echo(f"The same command goes on, or 'clipdesk queue run'. It is job {number}.", err=True)
        raise


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help=f"PNG to write, or a folder.  [default: {FOLDER}]")
def quickstart(output: Path | None) -> None:
    """Render one telling neuron of the embedded model, to prove that everything works."""
    from clipdesk.jobs.job import Job
    from clipdesk.render.targets import Unit

    layer, index = SHOWPIECES[EMBEDDED]
    targets: tuple[Target, ...] = (Unit(layer=layer, index=index),)
    settings = settings_from("standard", {"iterations": _QUICK_STEPS})
    _render(Job(model=EMBEDDED, targets=targets, settings=settings), _output_paths(output, targets))
    click.echo(
        f"\nThat was neuron {index} of {layer}. Next:\n"
        "  clipdesk                                    the window\n"
        "  clipdesk layers                             every layer of the model\n"
        f"  clipdesk render --layer {layer} --neuron 1\n"
        '  clipdesk render --text "a star"',
        err=True,
    )
