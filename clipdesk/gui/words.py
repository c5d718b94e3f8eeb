"""Jobs and times in words, in one line each."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from clipdesk.gui.differences import preset_in_words
from clipdesk.gui.runs import Run, title_of
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.models.names import short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipdesk.jobs.stored import StoredJob
    from clipdesk.jobs.work import Work

_LONGEST = 24
_MOST_NAMED = 2
_UNIT = re.compile(r":\d+(@\w+)?$")
_CUT = "\N{HORIZONTAL ELLIPSIS}"
_BREAK = "\u200b"


def describe(run: Run) -> str:
    """A run's state in one line."""
    count = run.size
    if run.state is Status.FAILED:
        return f"failed: {run.reason}"
    if run.state is Status.WAITING:
        return _waiting(run)
    if run.state in (Status.DONE, Status.CANCELLED):
        return _ended(run)
    if run.state is Status.PAUSED and run.reason:
        return f"paused: {run.reason}"
    step = f"step {run.step} of {run.job.settings.iterations}"
    first = run.ended - len(run.current) + run.under_way + 1
    last = first + len(run.current) - 1
    which = f"picture {first}" if first == last else f"pictures {first}-{last}"
    group = f"{which} of {count}, " if count > len(run.current) else ""
    if run.state is Status.PAUSED:
        return f"paused, {group}{step}" if run.current else "paused"
    if not run.current:
        return inside(run.preparing) or "starting …"
    return f"{group}{step}, {run.steps_per_second:.1f} steps/s, {run.pictures_per_minute:.1f} pictures/min"


def inside(text: str) -> str:
    """A text that begins with a capital, as it stands in the middle of a line; a name such as ``GPU 0`` stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def time_left(run: Run) -> str:
    """How long a run still takes, as far as that is known; what else there is to say of it stands in the queue."""
    if run.state is not Status.RUNNING or not run.current:
        return describe(run)
    left = run.seconds_left
    return "rendering" if left is None else f"{duration(left)} left"


def _waiting(run: Run) -> str:
    """What a run waits for, and what of it is there already."""
    if run.gives_way_to:
        return f"{run.ended} of {run.size} done, goes on by itself after {run.gives_way_to}"
    if run.helpers and run.place:
        return f"{run.ended} of {run.size} done, {run.helpers} in hand on {run.place}"
    if run.helpers:
        return f"{run.ended} of {run.size} done, another program renders it"
    if run.place:
        return f"waiting for {run.place}, {run.ended} of {run.size} done"
    state = "next" if run.urgent else "waiting"
    if run.ended:
        return f"{state}, {run.ended} of {run.size} done"
    return f"{state}, {run.size} picture{'s' if run.size > 1 else ''}"


def _ended(run: Run) -> str:
    """How many pictures an ended run has made, and how many show nothing; a stopped one does not count as finished."""
    results = [track.result for track in run.tracks.values() if track.result]
    unfinished = [result for result in results if not result.complete]
    useless = Counter(result.recipe.outcome_in_words for result in results if not result.recipe.outcome.useful)
    there = len(run.skipped)
    if run.size == 1:
        if there:
            return f"{run.state.value}, the picture was there already"
        at = f" at step {len(unfinished[0].curve)} of {run.job.settings.iterations}" if unfinished else ""
        return f"{next(iter(useless))}: the picture has no meaning" if useless else f"{run.state.value}{at}"
    made = max(
        len(results) - len(unfinished) + len(run.elsewhere), run.ended - there if run.state is Status.DONE else 0
    )
    parts = [
        f"{run.state.value}, {made} of {run.size} pictures",
        f"{len(unfinished)} more unfinished" if unfinished else "",
        f"{there} {'was' if there == 1 else 'were'} there already" if there else "",
        *(f"{count} that {words.removesuffix(' it')}" for words, count in sorted(useless.items())),
    ]
    return ", ".join(filter(None, parts))


def describe_stored(stored: StoredJob) -> str:
    """The state of a job that is not this window's, in one line."""
    done, failed = stored.counts.get("done", 0), stored.counts.get("failed", 0)
    trouble = f", {failed} failed" if failed else ""
    return f"{stored.status.value}, {done} of {len(stored.job.units)} done{trouble}"


def describe_left(left: Sequence[StoredJob]) -> str:
    """What jobs that are not finished still have to do, in one line."""
    pictures = sum(stored.counts["waiting"] for stored in left)
    work = "A job was" if len(left) == 1 else f"{len(left)} jobs were"
    rest, start = ("1 picture is", "its start") if pictures == 1 else (f"{pictures:,} pictures are", "their start")
    which = [f"{title_of(each.job)} ({short_name(each.job.model)}{_settings(each.job)})" for each in left[:_MOST_NAMED]]
    more = len(left) - len(which)
    others = [f"{more} more job{'s' if more > 1 else ''}"] if more else []
    named = "; ".join([*which, *others])
    return f"{work} not finished last time: {rest} still to be rendered, from {start}. {named}"


def _settings(job: Work) -> str:
    if not isinstance(job, Job):
        return ""
    return f", {preset_in_words(job.settings)}, {job.settings.iterations} steps"


def shortened(label: str) -> str:
    """A label for a place where it must not be long: the end of a long one is cut off, or a layer's beginning."""
    if len(label) <= _LONGEST:
        return label
    kept = _LONGEST - len(_CUT)
    return f"{_CUT}{label[-kept:]}" if _UNIT.search(label) else f"{label[:kept]}{_CUT}"


def breakable(text: str) -> str:
    """A text whose long words, such as addresses, may be broken: a label is as wide as its longest word."""
    return re.sub(rf"(\S{{{_LONGEST}}})(?=\S)", f"\\1{_BREAK}", text)


def unbroken(text: str) -> str:
    """The text that `breakable` was given."""
    return text.replace(_BREAK, "")


def duration(seconds: float) -> str:
    """Seconds in words: ``45 s``, ``3 min 5 s``, ``2 h 10 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
