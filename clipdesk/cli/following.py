"""How commands follow work on the user's queue: a bar, lines for what was done, an exit code."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager

from clipdesk.cli.bars import Bar
from clipdesk.cli.output import say, say_path
from clipdesk.cli.places import executor_on
from clipdesk.cli.reporting import Report, reported
from clipdesk.cli.terminal import INTERRUPTED, interruptible
from clipdesk.errors import ClipDeskError
from clipdesk.export.recipe import Outcome
from clipdesk.jobs.events import Done, Event, Failure, Halted, Paused, Progress, Saved, Skipped
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import default_store
from clipdesk.jobs.stored import StoredJob
from clipdesk.network.layer_names import short_label


def say_outcome(event: Saved) -> None:
    """Say of a picture that was not finished, ended early, or shows nothing of its target, that it is so.

    Of latents it is said whether they are active in it.
    """
    recipe = event.result.recipe
    if recipe.steady:
        say(f"{event.path.name}: the activation was steady at step {recipe.steps}.", err=True)
    for label, active in recipe.active.items():
        latent = "the latent" if label == recipe.target.label else short_label(label)
        say(f"{event.path.name}: {latent} {active.in_words}.", err=True)
    if recipe.outcome is Outcome.DONE:
        return
    activation = recipe.activation
    reached = f" (activation {activation.picture:.3g} clean, {activation.start:.3g} under the first step's changes)"
    say(f"{event.path.name}: {recipe.outcome_in_words}{'' if recipe.outcome.useful else reached}.", err=True)


@contextmanager
def opened_service(place: str | None, *, for_window: bool = False) -> Iterator[tuple[QueueService, Report]]:
    """The user's queue, worked on at a place, in the block; says so if a damaged one had to be put aside.

    Args:
        place: As for `executor_on`.
        for_window: As for `reported`.
    """
    with (
        reported(place, for_window=for_window) as report,
        executor_on(place) as executor,
        closing(QueueService(default_store(), executor)) as service,
    ):
        report.begin(executor)
        service.store.free_the_dead()
        if service.notice:
            say(f"Note: {service.notice}", err=True)
        yield service, report


def follow(
    service: QueueService, report: Report, waiting: list[StoredJob], numbers: Container[int] | None = None
) -> None:
    """Work through jobs with a progress bar; exits with 130 after Ctrl-C or a request to stop, with 1 if a unit failed.

    Args:
        service: The queue.
        report: Told what becomes of it.
        waiting: The jobs.
        numbers: Only the jobs of these numbers.
    """
    count = _Count(waiting)
    report.limit(numbers)
    with interruptible() as interrupt, Bar(count.total * count.steps, count.label) as bar:

        def prepare(number: int, text: str) -> None:
            report.prepare(number, text)
            bar.show_stage(number, text)

        def stop() -> bool:
            return interrupt() or report.asked_to_stop()

        for step in service.steps(numbers=numbers, stop=stop, wait=True, transfer=bar.show_download, stage=prepare):
            report.take(step.stored, step.event)
            count.folder = step.stored.folder
            count.take(step.event, step.stored.number, bar)
    stopped = interrupt.requested or report.asked_to_stop()
    if count.done or count.skipped or count.failed or not stopped:
        say(count.summary, err=True)
    if count.skipped:
        say("What was skipped is there already, made with the same settings.", err=True)
    if stopped:
        raise SystemExit(INTERRUPTED)
    if count.failed or count.halted:
        raise SystemExit(ClipDeskError.exit_code)


class _Count:
    """The units that have come to an end so far, and the lines that tell of them."""

    def __init__(self, waiting: list[StoredJob]) -> None:
        nouns = {stored.job.noun for stored in waiting}
        self.total = sum(stored.counts.get("waiting", 0) + stored.counts.get("running", 0) for stored in waiting)
        self.steps = max(stored.job.steps for stored in waiting)
        self.folder = waiting[0].folder
        self.done = 0
        self.skipped = 0
        self.failed = 0
        self.useless = 0
        self.halted = False
        # The share of its steps that each unit has done which is being worked on; several groups may be.
        self._under_way: dict[object, float] = {}
        self._noun = nouns.pop() if len(nouns) == 1 else "units"
        self._verb = "rendered" if all(isinstance(stored.job, Job) for stored in waiting) else "done"
        self._started = time.monotonic()

    @property
    def label(self) -> str:
        """The text beside the bar."""
        return f"{self.done + self.skipped}/{self.total} {self._noun}"

    @property
    def summary(self) -> str:
        """The last line."""
        useless = f", {self.useless} found nothing" if self.useless else ""
        counts = f"{self.done} {self._verb}, {self.skipped} skipped, {self.failed} failed{useless}"
        return f"{counts}. Folder: {self.folder}"

    def take(self, event: Event, number: int, bar: Bar) -> None:
        """Show an event."""
        self._under_way.pop(getattr(event, "target", None), None)
        if isinstance(event, Saved):
            self.done += event.result.complete
            self.useless += not event.result.recipe.outcome.useful
            say_path(event.path)
            say_outcome(event)
        elif isinstance(event, Done):
            self.done += 1
            if event.file and self.folder is not None:
                say_path(self.folder / event.file)
        elif isinstance(event, Skipped):
            self.skipped += 1
            bar.skip(self.steps)
        elif isinstance(event, Failure):
            self.failed += 1
            say(f"Error: {getattr(event.target, 'label', event.target)}: {event.reason}", err=True)
        elif isinstance(event, Halted):
            self.halted = True
            say(f"Error: {event.reason}", err=True)
            say(f"Job {number} is paused. Then 'clipdesk queue resume {number}' and 'clipdesk queue run'.", err=True)
        elif isinstance(event, Paused):
            say(f"Job {number} is paused; 'clipdesk queue resume {number}' lets it go on from here.", err=True)
        elif isinstance(event, Progress):
            self._under_way |= dict.fromkeys(event.targets, event.step / event.iterations)
            done = self.done + self.skipped + self.failed + sum(self._under_way.values())
            pace = 60 * (done - self.skipped) / max(1e-9, time.monotonic() - self._started)
            bar.update(round(done * self.steps), float(event.activations.mean()), f"{self.label}, {pace:.1f}/min")
