"""Inquiry: a question that may take long, asked on a thread of its own. Imports no torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_OLD_SECONDS = 60.0
"""From this age on, an answer is shown with its age."""


class Inquiry:
    """Asks a scheduler what has become of workers, and keeps its last answer.

    Squeue, a dashboard and Ray itself may take long or hang. The head must not wait for them: results, cancelling and
    signs of life wait for the head.

    Args:
        ask: Asks the question. An exception is an answer as well.
        whom: Who is asked, for the user.
        every: Seconds from an answer until the question is asked again.
        clock: Seconds.
    """

    def __init__(
        self, ask: Callable[[], str], whom: str, every: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._whom = whom
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._asking = False
        self._began = clock()
        self._answer: tuple[str | Exception, float] | None = None

    def answer(self) -> str:
        """The last answer, with its age where it is old; returns at once, and asks again where it is time to.

        Raises:
            Exception: the question has raised it.
        """
        now = self._clock()
        with self._lock:
            answer = self._answer
            due = answer is None or now - answer[1] >= self._every
            if due and not self._asking:
                self._asking, self._began = True, now
                # A daemon, since a program that hangs must not keep the head from ending.
                threading.Thread(target=self._ask_once, name="inquiry", daemon=True).start()
            waited = now - self._began if self._asking else 0.0
        if answer is None:
            return f"{self._whom} is asked" if waited < _OLD_SECONDS else self._no_answer(waited)
        said, when = answer
        if isinstance(said, Exception):
            raise said
        if waited < _OLD_SECONDS:
            return said
        return f"{self._no_answer(waited)}; {_minutes(now - when)} ago it said: {said}"

    def _no_answer(self, seconds: float) -> str:
        return f"{self._whom} has not answered for {_minutes(seconds)}"

    def _ask_once(self) -> None:
        found: str | Exception
        try:
            found = self._ask()
        except Exception as error:
            # It is raised where the answer is taken.
            found = error
        with self._lock:
            self._answer, self._asking = (found, self._clock()), False


def _minutes(seconds: float) -> str:
    minutes = int(seconds // 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
