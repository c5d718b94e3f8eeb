"""What the commands that render do: they work through a queue and show progress. Takes torch along."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from clipdesk.cli.bars import Bar
from clipdesk.cli.following import follow, opened_service, say_outcome
from clipdesk.cli.listing import find_model
from clipdesk.cli.opening import open_with_bar, say_remarks
from clipdesk.cli.options import FOLDER, given
from clipdesk.cli.output import say, say_path
from clipdesk.cli.terminal import INTERRUPTED, interruptible, said_if_slow
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.animation import check_format, save_animation
from clipdesk.export.files import check_folder, make_folder
from clipdesk.export.metadata import BatchMetadata
from clipdesk.export.png import read_recipe
from clipdesk.files import is_unicode
from clipdesk.jobs.events import Failure, Halted, Progress, Result, Saved
from clipdesk.jobs.executors.pipe import work_through_pipe
from clipdesk.jobs.frames import FrameRecorder
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.older import take_over
from clipdesk.jobs.service import QueueService
from clipdesk.models.evidence import UNSAID
from clipdesk.models.listing import is_on_disk
from clipdesk.models.names import ModelName
from clipdesk.network.layer_names import full_layer
from clipdesk.network.opened import OpenModel
from clipdesk.render.expressions import parse_target
from clipdesk.render.objectives import resolved
from clipdesk.render.settings import RenderSettings, changed
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Target, Unit
from clipdesk.render.typed import advice_on, in_full, read_text

if TYPE_CHECKING:
    from clipdesk.cli.best import Best

_LONGEST_NAME = 255


def render_pictures(
    model: ModelName,
    targets: tuple[Target, ...],
    settings: RenderSettings,
    output: Path | None,
    animation: str | None = None,
    best: Best | None = None,
) -> None:
    """Render some targets at once, without the user's queue.

    Exits with 130 after Ctrl-C and with 1 if a picture failed.

    Args:
        model: The model.
        targets: What to render.
        settings: How.
        output: A PNG, or a folder; None for the usual folder.
        animation: Ending of the animation to write beside each picture; None for none.
        best: Chooses each picture among those of several seeds; None for that of the settings' seed.
    """
    _render(Job(model=model, targets=targets, settings=settings), output, animation, best)


def render_again(
    source: Path,
    model: str | None,
    trust_archive: bool,
    output: Path | None,
    animation: str | None,
    changes: Mapping[str, object],
) -> None:
    """Make a picture again from its recipe, with some settings changed.

    Args:
        source: The PNG.
        model: The model to use; None for the recipe's own, with the weights that the picture was made with.
        trust_archive: Whether the model's file may be opened if it is an archive.
        output: A PNG, or a folder; None for the usual folder.
        animation: Ending of the animation to write beside it; None for none.
        changes: Settings by name; those that are None stay.

    Raises:
        UsageError: the recipe's own model would have to be downloaded, which nobody has asked for.
    """
    recipe = read_recipe(source)
    name = find_model(model or recipe.model, trust_archive)
    if model is None and not is_on_disk(name):
        raise UsageError(
            f"{source} was made with {name}, which is not on this disk. To download it, add --model {name}"
        )
    job = Job.from_recipe(recipe)
    # Who names a model takes the weights that it has today; otherwise they must be those of the picture.
    weights = None if model else job.weights
    settings = changed(job.settings, given(changes))
    job = job.model_copy(update={"model": name, "weights": weights, "settings": settings})
    if not recipe.complete:
        say(f"{source} was stopped at step {recipe.steps}; this one goes to the end.", err=True)
    used = _render(job, output, animation)
    # Without a model named, the recipe's own weights were asked for.
    if model is not None and recipe.weights not in (None, used):
        say(f"{source} was made with other weights than those of {name}: the picture differs.", err=True)


def targets_from(
    layer: str | None, neurons: tuple[int, ...], texts: tuple[str, ...], expressions: tuple[str, ...]
) -> tuple[Target, ...]:
    """The targets that the options name.

    Raises:
        UsageError: they name none, or of several kinds, or one that cannot be read.
    """
    if sum(map(bool, (texts, layer or neurons, expressions))) > 1:
        raise UsageError("Name one of --layer with --neuron, --text, and --target, not several")
    if expressions:
        return tuple(parse_target(expression) for expression in expressions)
    if texts:
        if not all(text.strip() for text in texts):
            raise UsageError("--text is empty. Say what the picture is to show, e.g. --text 'a star'")
        return tuple(read_text(text) for text in texts)
    if layer is not None and ":" in layer:
        name, _, unit = layer.partition(":")
        raise UsageError(f"--layer takes only the name of a layer: --layer {name} --neuron {unit}")
    if layer is not None and not neurons:
        raise UsageError("--layer needs --neuron N, once for each neuron; 'clipdesk batch' renders a range of them")
    if layer is None:
        raise UsageError("Name what to render: --layer LAYER --neuron N, --text 'a star', or --target EXPRESSION")
    for index in neurons:
        if index < 0:
            raise UsageError(f"--neuron must be 0 or more, not {index}")
    return tuple(Unit(layer=layer, index=index) for index in neurons)


def _place(output: Path | None, count: int) -> tuple[Path, list[str]]:
    """The folder that pictures go into, and their names there where the user has named a file."""
    place = output or Path(FOLDER)
    # Not Path.is_dir, which raises an error for a name that is too long.
    if place.suffix.lower() == ".png" and not os.path.isdir(place):
        if len(os.fsencode(place.name)) > _LONGEST_NAME:
            raise UsageError(f"--output: the name of a file has at most {_LONGEST_NAME} bytes, not {place.name}")
        if not is_unicode(place.name):
            raise UsageError(f"--output: {place.name} is not Unicode (UTF-8), as the queue needs names of files")
        if count > 1:
            raise UsageError(f"--output {place} is one file, but there are {count} pictures. Name a folder")
        return place.parent, [place.name]
    if place.suffix and not os.path.isdir(place):
        raise UsageError(f"--output must end in .png or be a folder, not {place}")
    return place, []


def _render(job: Job, output: Path | None, animation: str | None, best: Best | None = None) -> str | None:
    """Render a job's targets and save each under its own name; the checksum of the weights that were used."""
    if animation is not None:
        check_format(animation)
    folder, names = _place(output, len(job.targets))
    check_folder(folder)
    opened = _opened(job)
    job = _in_full(job, opened)
    _check(job, opened)
    for target in job.targets:
        advice = advice_on(target, opened.inspector.layers, opened.name)
        if advice is not None:
            say(f"Note: {advice.text}.", err=True)
    # Once the targets are known to be there, and before anything is rendered.
    make_folder(folder)
    recorder = FrameRecorder(job.settings.iterations) if animation else None
    here = Here(opened=opened, wanted=recorder.wanted, most=recorder.most) if recorder else Here(opened=opened)
    with closing(QueueService(None, best.of(here, job.targets) if best else here)) as service:
        service.add(job, folder, skip=False, names=names, listed=False)
        code = _follow_pictures(service, job, folder, recorder, animation, best)
    if code:
        raise SystemExit(code)
    return opened.sha256


def _opened(job: Job) -> OpenModel:
    """The model of a job, with the bar of its download."""
    opened = open_with_bar(job.model, job.settings.device, weights=job.weights)
    if opened.reason == UNSAID:
        say_remarks(opened)
    return opened


def _check(job: Job, opened: OpenModel) -> None:
    """Say what is wrong with a job's targets before anything is rendered."""
    resolved(job.targets, opened.inspector, Sources())


def _follow_pictures(
    service: QueueService,
    job: Job,
    folder: Path,
    recorder: FrameRecorder | None,
    animation: str | None,
    best: Best | None = None,
) -> int:
    """Show how a few pictures are rendered; the exit code."""
    code = 0
    finished = 0
    title = job.targets[0].label if len(job.targets) == 1 else f"{len(job.targets)} pictures"
    with interruptible() as interrupt, Bar(job.settings.iterations * len(job.targets), title) as bar:
        for step in service.steps(stop=interrupt):
            event = step.event
            if recorder:
                recorder.add(event)
            if isinstance(event, Progress):
                done = finished * event.iterations + event.step * len(event.targets)
                bar.update(done, float(event.activations.mean()))
            elif isinstance(event, Failure):
                finished += 1
                say(f"Error: {event.target.label}: {event.reason}", err=True)
                code = ClipDeskError.exit_code
            elif isinstance(event, Saved):
                finished += 1
                say_outcome(event)
                if best:
                    best.say(event)
                # As it was asked for: the queue keeps the whole path.
                path = folder / event.path.name
                say_path(path)
                if recorder:
                    _animate(event.result, recorder, path.with_suffix(f".{animation}"))
            elif isinstance(event, Halted):
                say(f"Error: {event.reason}", err=True)
                code = ClipDeskError.exit_code
    return INTERRUPTED if interrupt.requested else code


def _in_full(job: Job, opened: OpenModel) -> Job:
    """A job with the full names of the layers that were typed."""
    targets = tuple(in_full(target, opened.inspector.layers) for target in job.targets)
    return job.model_copy(update={"targets": targets})


def _animate(result: Result, recorder: FrameRecorder, path: Path) -> None:
    with said_if_slow(f"Saving {path} ..."):
        save_animation(recorder.take(result), path, result.recipe)
    say_path(path)


def render_batch(
    model: ModelName,
    layer: str,
    indices: Sequence[int],
    settings: RenderSettings,
    folder: Path,
    *,
    seed_base: int | None,
    skip: bool,
    place: str | None,
) -> None:
    """Put a batch of units into the user's queue, or go on with it, and render it; exits as `follow` does."""
    targets = tuple(Unit(layer=layer, index=index) for index in indices)
    job = Job(model=model, targets=targets, settings=settings, seed_base=seed_base)
    # What is wrong with the job is said before it is in the queue; a model may take long to open.
    check_folder(folder)
    opened = _opened(job)
    job = _in_full(job, opened)
    _check(job, opened)
    job = job.with_weights(opened.sha256)
    make_folder(folder)
    BatchMetadata.open(folder, full_layer(layer, opened.inspector.layers), job.model)
    with opened_service(place) as (service, report):
        number = (
            service.store.again(job.known(), folder, skip=skip)
            or take_over(service.store, job.known(), folder, skip=skip)
            or service.add(job, folder, skip=skip)
        )
        try:
            follow(service, report, [service.store.get(number)], {number})
        except SystemExit as ended:
            if ended.code == INTERRUPTED:
                say(f"The same command goes on, or 'clipdesk queue run'. It is job {number}.", err=True)
            raise


def work_for_head(threads: int | None) -> None:
    """Work for the process that has started this one, until it ends.

    Args:
        threads: Threads of torch's; None for its own number.
    """
    work_through_pipe(threads)
