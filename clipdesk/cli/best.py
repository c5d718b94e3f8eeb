"""Which of several pictures is kept, as ``clipdesk render --best-of`` asks. Takes torch along."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clipdesk.cli.checking import Checking
from clipdesk.cli.output import say
from clipdesk.cli.wanted import Wanted
from clipdesk.errors import ClipDeskError
from clipdesk.export.check_record import CheckRecord
from clipdesk.export.checked import keep_check
from clipdesk.jobs.best_of import BestOf
from clipdesk.jobs.events import Result, Saved
from clipdesk.jobs.executor import Executor
from clipdesk.models.names import find_name
from clipdesk.render.targets import Target


class Best:
    """Chooses each picture among those of several seeds, as `clipdesk check` scores them.

    Args:
        count: How many seeds.
        reader: What the second model was asked for by; None for the usual one.
        wanted: Which survey answers.
    """

    def __init__(self, count: int, reader: str | None, wanted: Wanted) -> None:
        self._count = count
        self._checking = Checking(None, None if reader is None else find_name(reader), False, None, wanted)
        self._found: dict[tuple[Target, int], CheckRecord] = {}
        self._best: BestOf | None = None

    def of(self, executor: Executor, targets: Sequence[Target]) -> Executor:
        """An executor that renders with the seeds.

        Raises:
            ClipDeskError: pictures of one of the targets cannot be checked.
        """
        self._checking.require(targets)
        self._best = BestOf(executor, self._count, self._judge)
        return self._best

    def say(self, event: Saved) -> None:
        """Say which seed was kept, and write the check into the picture."""
        target, seed = event.result.target, event.result.settings.seed
        found = self._found.get((target, seed))
        if found is None or self._best is None:
            return
        scores = self._best.scores.get(target, {})
        each = ", ".join(f"{number}: {_score(score)}" for number, score in scores.items())
        say(f"{event.path.name}: seed {seed} is kept, by score ({each}). {found.verdict.capitalize()}.", err=True)
        try:
            keep_check(event.path, found)
        except ClipDeskError as error:
            say(f"The check is not kept in it: {error}", err=True)

    def _judge(self, result: Result) -> float:
        found = self._checking.look(result.target, result.pixels, result.settings)
        self._found[result.target, result.settings.seed] = found
        return math.nan if found.score is None else found.score


def _score(score: float) -> str:
    return "not known" if math.isnan(score) else f"{score:.2f}"
