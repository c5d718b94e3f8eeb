"""A survey divided among workers: does it equal one pass, and how much sooner is it there? For `benchmarks.cluster`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clipdesk.activations.storing import delete_survey, left_out_of, open_survey
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import Divided, survey_images
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors.fleet import Fleet
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.here import Here
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model


@dataclass(frozen=True)
class Compared:
    """How a divided survey differs from one pass.

    Attributes:
        different: Names of what should be equal and is not.
        sums: The largest difference of a sum: of means and squares by their size, of cross products as a difference
            of the correlation that follows from them.
    """

    different: Sequence[str]
    sums: float

    def __str__(self) -> str:
        """In a line."""
        return f"{'all equal' if not self.different else f'DIFFERENT: {self.different}'}, sums to {self.sums:.1e}"


_EXACT = ("least", "most", "fired", "sample")
_ENDS = [f"{end}.{name}" for end in ("top", "bottom") for name in ("values", "pictures", "positions")]
_BINS = [f"histogram.{name}" for name in ("exponents", "starts", "counts")]


def compare_surveys(one: Survey, other: Survey) -> Compared:
    """Compare two surveys of the same set, in all that they hold."""
    different = [] if [vars(each) for each in one.pictures] == [vars(each) for each in other.pictures] else ["pictures"]
    different += [] if np.array_equal(one.sample, other.sample) else ["which are sampled"]
    different += [] if np.array_equal(one.embeddings.rows, other.embeddings.rows) else ["embeddings"]
    sums, spread = 0.0, np.sqrt(np.trace(other.embeddings.scatter))
    for key, found in other.statistics.items():
        first = one.statistics[key]
        for name in (*_EXACT, *_ENDS, *_BINS):
            part, _, last = name.rpartition(".")
            here, there = (getattr(getattr(each, part) if part else each, last) for each in (first, found))
            if not np.array_equal(here, there, equal_nan=last == "values"):
                different.append(f"{name} of {key}")
        size = np.sqrt(found.squares) + 1e-30
        sums = max(
            sums,
            float((np.abs(first.means - found.means) / (np.abs(found.means) + found.deviations + 1e-30)).max()),
            float((np.abs(first.squares - found.squares) / (found.squares + 1e-30)).max()),
            float((np.abs(first.cross - found.cross).max(axis=1) / size).max() / spread),
        )
    return Compared(different, sums)


def loaded(survey: Survey) -> Survey:
    """A survey whose arrays stay when its folder is deleted."""
    return Survey(
        model=survey.model,
        weights=survey.weights,
        source=survey.source,
        pictures=list(survey.pictures),
        embeddings=type(survey.embeddings)(
            *(np.array(getattr(survey.embeddings, name)) for name in ("rows", "mean", "scatter"))
        ),
        sample=np.array(survey.sample),
        statistics={key: found.only(np.arange(found.units)) for key, found in survey.statistics.items()},
    )


def timed(opened: OpenModel, images: ImageSet, divided: Divided | None) -> tuple[float, Path]:
    """Seconds for a survey, and its folder."""
    started = time.perf_counter()
    *_, end = survey_images(opened, images, divided=divided)
    if end.folder is None:
        raise RuntimeError("the survey has not come to its end")
    return time.perf_counter() - started, end.folder


def survey_pace(fleets: dict[str, Fleet], pictures: int, rounds: int = 3, model: str | Path = "demo") -> str:
    """Seconds of one pass here and with each fleet, which take turns, and whether the surveys are the same.

    Args:
        fleets: Workers, by what they are called.
        pictures: How many scenes are surveyed.
        rounds: Turns of each; the median counts.
        model: Which model.
    """
    opened, images, few = open_model(model, "cpu"), open_image_set(f"scenes:{pictures}"), open_image_set("scenes:64")
    times: dict[str, list[float]] = {name: [] for name in ("here", *fleets)}
    lines: list[str] = []
    with ExitStack() as ended:
        executors = {name: ended.enter_context(closing(Many(fleet, Here()))) for name, fleet in fleets.items()}
        for many in executors.values():
            # So that the workers are there, and have opened the model.
            delete_survey(timed(opened, few, many.divided(Hooks(), "cpu"))[1])
        for turn in range(rounds):
            seconds, folder = timed(opened, images, None)
            times["here"].append(seconds)
            whole, away = loaded(open_survey(folder)), left_out_of(folder)
            delete_survey(folder)
            for name, many in executors.items():
                seconds, folder = timed(opened, images, many.divided(Hooks(), "cpu"))
                times[name].append(seconds)
                if not turn:
                    found = compare_surveys(open_survey(folder), whole)
                    lines.append(f"{name}: {found}, left out {'agree' if away == left_out_of(folder) else 'DIFFER'}")
                delete_survey(folder)
    middle = {name: sorted(each)[len(each) // 2] for name, each in times.items()}
    lines += [f"{name}: {each:.1f} s, {middle['here'] / each:.2f} times as fast" for name, each in middle.items()]
    return "\n".join(lines)
