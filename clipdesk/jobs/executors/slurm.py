"""Workers as jobs of SLURM's, by submitit, which is loaded when it is used. Imports no torch by itself."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from clipdesk.errors import ClipDeskError, NoWorkersError, UsageError, one_line, printable
from clipdesk.jobs.executors.inquiry import Inquiry
from clipdesk.jobs.executors.letters import Pace, open_spool, unused_folder
from clipdesk.jobs.executors.local import LocalFleet, gpus
from clipdesk.jobs.executors.relay import Relay
from clipdesk.jobs.executors.spool import SpoolFleet
from clipdesk.paths import data_folder

MISSING = "submitit is not installed. Install it with: pip install 'clipdesk[cluster]'"
EXAMPLE = "--on slurm:jobs=8,gpus=1,hours=4,partition=NAME"
IDLE = 300.0
"""Seconds after which a job ends whose head was killed."""
_ASK_SECONDS = 15.0
"""From one answer of SLURM's controller, which everybody asks, to the next question; also how long it may take."""
_UNKNOWN = "Invalid job id"
"""What SLURM says of jobs that have ended a while ago."""
_END_SECONDS = 10.0
"""How long scancel may take: the head, which is to end, waits for it."""
_MOST_JOBS = 10_000


@dataclass(frozen=True)
class SlurmOptions:
    """What is asked of SLURM.

    Attributes:
        jobs: How many jobs, each on a node or a part of one.
        gpus: GPUs of each job, one for each worker; 0 for one worker with the job's cores.
        hours: How long each may take. One whose time is over is put into SLURM's queue again.
        folder: Where letters and logs are; each of SLURM's nodes must see it.
        further: Options of sbatch's by their long names.
    """

    jobs: int = 1
    gpus: int = 1
    hours: float = 4.0
    folder: Path = field(default_factory=lambda: data_folder() / "slurm")
    further: Mapping[str, str | bool] = field(default_factory=dict)


def slurm_options(text: str) -> SlurmOptions:
    """Read ``jobs=8,gpus=1,partition=NAME``; what is not ClipDesk's own is sbatch's, as ``exclusive``.

    Raises:
        UsageError: it is not written so, or a number is out of range.
    """
    found: dict[str, str | bool] = {}
    for part in re.split(r",(?=[a-z][a-z-]*(?:=|,|$))", text) if text else []:
        name, equals, value = part.partition("=")
        if not re.fullmatch(r"[a-z][a-z-]*", name) or (equals and not value) or name in found:
            raise UsageError(f"{one_line(part)!r} is no option of SLURM's. Write {EXAMPLE}")
        found[name] = value if equals else True
    taken = {"array", "error", "output", "signal", "open-mode", "time", "gpus-per-node"} & found.keys()
    if taken:
        raise UsageError(f"{min(taken)} is what ClipDesk sets itself. Write {EXAMPLE}")
    jobs = _number(found.pop("jobs", "1"), "jobs", 1, _MOST_JOBS)
    gpus = _number(found.pop("gpus", "1"), "gpus", 0, 64)
    hours = _number(found.pop("hours", "4"), "hours", 0.1, 1_000)
    folder = found.pop("folder", None)
    base = data_folder() / "slurm" if folder is None else Path(str(folder)).expanduser()
    return SlurmOptions(int(jobs), int(gpus), hours, base, found)


def _number(text: str | bool, name: str, least: float, most: float) -> float:
    whole = isinstance(least, int)
    pattern = r"\d{1,5}" if whole else r"\d{1,5}(\.\d{1,3})?"
    if not re.fullmatch(pattern, str(text)) or not least <= float(text) <= most:
        raise UsageError(f"{name}={text} must be a {'whole ' if whole else ''}number from {least:g} to {most:g}")
    return float(text)


class Lent:
    """What a job of SLURM's does: it lends the GPUs that it was given, or its cores, until the head is done.

    Args:
        spool: The folder that the head looks into.
        gpus: How many GPUs.
    """

    def __init__(self, spool: Path, gpus: int) -> None:
        self.spool = spool
        self.gpus = gpus

    def __call__(self) -> str:
        """Lend; why there is nothing more to do."""
        # It comes before a job is taken back or cancelled; the head is told, and gives the units to others at once.
        signal.signal(signal.SIGTERM, _end)
        found = gpus(lambda: self.gpus)
        return Relay(self.spool, lambda: LocalFleet(found), idle=IDLE, tell=_print).run()

    def checkpoint(self) -> object:
        """What submitit puts into SLURM's queue again when the job's time is over or somebody goes first: the same."""
        again: object = importlib.import_module("submitit").helpers.DelayedSubmission(self)
        return again


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(1)


def _state(line: str) -> str:
    """What squeue says of a job, ``PENDING Resources``, for people: the reason is SLURM's own word."""
    state, _, reason = one_line(line, 100).strip().partition(" ")
    return state.lower() if reason in ("", "None") else f"{state.lower()} ({reason})"


def _print(line: str) -> None:
    print(line, flush=True)


class SlurmFleet(SpoolFleet):
    """Jobs that lend their GPUs through a folder. They are cancelled when the fleet is closed.

    Args:
        options: What is asked of SLURM.
        tell: Told a line for the user.
        pace: As of `SpoolFleet`.
        cluster: For submitit; ``local`` has processes of this computer instead of SLURM's jobs, for tests.

    Raises:
        UsageError: submitit or SLURM is not here; the folder cannot be used.
        ClipDeskError: SLURM takes no such jobs.
    """

    def __init__(
        self,
        options: SlurmOptions,
        *,
        tell: Callable[[str], object] = lambda _: None,
        pace: Pace | None = None,
        cluster: str = "slurm",
    ) -> None:
        if importlib.util.find_spec("submitit") is None:
            raise UsageError(MISSING)
        if getattr(sys, "frozen", False):
            raise UsageError("SLURM's jobs need Python: install ClipDesk with pip, where all nodes see it")
        if cluster == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
            raise UsageError("SLURM's sbatch is not here. Start this where you submit jobs from")
        folder = open_spool(unused_folder(options.folder), boxes=False)
        self.logs = folder / "logs"
        super().__init__(folder / "spool", pace=pace, ends=True)
        self._cluster = cluster
        self._tell = tell
        self._inquiry = Inquiry(self._ask, "SLURM", _ASK_SECONDS)
        try:
            self._jobs = self._submit(options)
        except BaseException:
            super().close()
            raise
        self.job = str(self._jobs[0].job_id).partition("_")[0]
        tell(f"SLURM has job {self.job}, {len(self._jobs)} times. Logs: {printable(self.logs)}")

    def _submit(self, options: SlurmOptions) -> Sequence[Any]:
        submitit = importlib.import_module("submitit")
        lent = Lent(self.folder, options.gpus)
        try:
            executor = submitit.AutoExecutor(self.logs, cluster=self._cluster, slurm_max_num_timeout=_MOST_JOBS)
            executor.update_parameters(
                name="clipdesk",
                timeout_min=round(60 * options.hours),
                slurm_array_parallelism=options.jobs,
                slurm_additional_parameters={"requeue": True, **options.further},
                **({"gpus_per_node": options.gpus} if options.gpus else {}),
            )
            with executor.batch():
                jobs = [executor.submit(lent) for _ in range(options.jobs)]
        except Exception as error:
            # Whatever submitit raises: what matters is the last line, which is sbatch's own.
            lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
            raise ClipDeskError(f"SLURM has not taken the jobs: {one_line(lines[-1], 300)}") from error
        return jobs

    def awaited(self) -> str:
        """As `Fleet.awaited`; returns at once.

        Raises:
            NoWorkersError: all jobs have ended.
        """
        return f"Waiting for SLURM's job {self.job}: {self._inquiry.answer()}"

    def _ask(self) -> str:
        """What has become of the jobs, in a few words.

        Raises:
            NoWorkersError: all have ended.
        """
        states = self._states()
        if not states:
            raise NoWorkersError(f"All of SLURM's jobs {self.job} have ended. Why, is in {printable(self.logs)}")
        return states

    def _states(self) -> str:
        if self._cluster != "slurm":
            return "" if all(job.done() for job in self._jobs) else "running"
        command = ["squeue", "--noheader", "--array", "--format=%T %r", "--jobs", self.job]
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return "squeue does not answer"
        if found.returncode and _UNKNOWN not in found.stderr:
            return "squeue does not answer"
        states = [_state(line) for line in found.stdout.splitlines() if line.strip()]
        return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))

    def close(self) -> None:
        """As `Fleet.close`; what was submitted is cancelled. A line says so if it was not."""
        super().close()
        if self._cluster != "slurm":
            for job in self._jobs:
                job.cancel()
            return
        if problem := self._cancel():
            # They see that the head has ended; those that pend do when they begin.
            self._tell(
                f"SLURM's job {self.job} was not cancelled: {problem}. What is left of it ends by itself, those that "
                f"pend when they begin; at once by: scancel {self.job}"
            )

    def _cancel(self) -> str:
        """Cancel what was submitted; why that was not possible, if it was not."""
        command = ["scancel", self.job]
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=_END_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"scancel has not answered for {_END_SECONDS:g} seconds"
        except OSError as error:
            return f"scancel cannot be started: {error.strerror or error}"
        # Those that have ended by themselves are no matter.
        if not found.returncode or _UNKNOWN in found.stderr:
            return ""
        lines = [line.strip() for line in found.stderr.splitlines() if line.strip()]
        return one_line(lines[-1] if lines else f"scancel ended with {found.returncode}", 200)
