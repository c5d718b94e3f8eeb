"""The workers of this computer: a process for each GPU, or as many as are asked for. Imports no torch."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from clipdesk.errors import ClipDeskError
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.wire import WireError, read_message, write_message
from clipdesk.paths import log_file


class LocalFleet:
    """Worker processes of this computer. They end by themselves when this process does, however it ends.

    Args:
        gpus: What `CUDA_VISIBLE_DEVICES` is to be for each worker that has a GPU; empty for workers on the CPU.
        count: How many workers; by default one for each GPU. They share what there is.
        command: What starts a worker, which reads messages from its input and writes them to its output.
    """

    def __init__(self, gpus: Sequence[str] = (), count: int | None = None, command: Sequence[str] = ()) -> None:
        self._count = count or max(1, len(gpus))
        self._gpus = gpus
        self._command = list(command) or worker_command()
        self._threads = max(1, _cores() // self._count)
        said = os.environ.get("OMP_NUM_THREADS", "")
        if said.isdecimal():
            # The user's word for numerical libraries is for each process.
            self._threads = min(self._threads, max(1, int(said)))
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._listeners: dict[int, threading.Thread] = {}
        self._came: queue.SimpleQueue[tuple[int, bytes | Gone]] = queue.SimpleQueue()

    def places(self) -> Sequence[str]:
        """As `Fleet.places`."""
        return [self._place(each) for each in range(self._count)]

    def _place(self, index: int) -> str:
        if not self._gpus:
            return f"worker {index + 1}"
        share = f", worker {index // len(self._gpus) + 1}" if self._count > len(self._gpus) else ""
        return f"GPU {index % len(self._gpus)}{share}"

    def awaited(self) -> str:
        """As `Fleet.awaited`: there are none but those of `places`."""
        return ""

    def start(self, place: str) -> int:
        """As `Fleet.start`."""
        index = list(self.places()).index(place)
        number = len(self._processes) + 1
        environment = dict(os.environ)
        options: list[str] = []
        if self._gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpus[index % len(self._gpus)]
        else:
            # Otherwise each would take all cores, and they would wait for each other.
            environment["OMP_NUM_THREADS"] = str(self._threads)
            options = ["--threads", str(self._threads)]
        try:
            with _log() as errors:
                process = subprocess.Popen(
                    [*self._command, *options],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=environment,
                    # Ctrl-C is for the head, which then asks its workers for what they have reached.
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            raise ClipDeskError(f"A worker could not be started: {error.strerror or error}") from error
        self._processes[number] = process
        self._listeners[number] = threading.Thread(target=self._listen, args=(number, process), daemon=True)
        self._listeners[number].start()
        return number

    def _listen(self, number: int, process: subprocess.Popen[bytes]) -> None:
        with suppress(OSError, ValueError, WireError), _stream(process.stdout) as stream:
            while (data := read_message(stream)) is not None:
                self._came.put((number, data))
        with suppress(OSError):
            process.kill()
        self._came.put((number, Gone(_ending(process.wait()))))

    def lacks(self, number: int) -> str:
        """As `Fleet.lacks`: it begins at once."""
        return ""

    def send(self, number: int, data: bytes) -> None:
        """As `Fleet.send`."""
        with suppress(OSError, ValueError):
            write_message(_stream(self._processes[number].stdin), data)

    def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
        """As `Fleet.receive`."""
        came: list[tuple[int, bytes | Gone]] = []
        with suppress(queue.Empty):
            came.append(self._came.get(timeout=seconds))
            while True:
                came.append(self._came.get_nowait())
        return came

    def end(self, number: int) -> None:
        """As `Fleet.end`."""
        with suppress(OSError):
            self._processes[number].kill()

    def close(self) -> None:
        """As `Fleet.close`."""
        # Nothing that they have is worth keeping: what was finished has come.
        for process in self._processes.values():
            with suppress(OSError):
                process.kill()
            with suppress(OSError, ValueError):
                _stream(process.stdin).close()
        for listener in self._listeners.values():
            listener.join()


def _cores() -> int:
    """The cores that this process may use: a job of SLURM's has but a part of its node's."""
    cores = psutil.cpu_count(logical=False) or 1
    allowed = getattr(os, "sched_getaffinity", None)
    return cores if allowed is None else min(cores, len(allowed(0)))


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process has no such pipe")
    return stream


def worker_command() -> list[str]:
    """What starts a worker: this program, also where it is a bundle."""
    frozen = getattr(sys, "frozen", False)
    return [sys.executable, "worker"] if frozen else [sys.executable, "-m", "clipdesk", "worker"]


def _log() -> IO[bytes]:
    """Where workers write what is no message: beside the log."""
    path = _log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > 1_000_000:
            path.unlink()
        return path.open("ab")
    except OSError:
        return open(os.devnull, "wb")


def _log_path() -> Path:
    return log_file().with_name("workers.log")


def _ending(code: int) -> str:
    if code == -9:
        return "its process was killed by somebody, or by the system for lack of memory"
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return f"its process ended with {how}; {_log_path()} may say more"


def gpus(count: Callable[[], int]) -> list[str]:
    """What `CUDA_VISIBLE_DEVICES` names each of the GPUs that this process may use.

    Args:
        count: How many there are, as torch says.
    """
    named = [each.strip() for each in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if each.strip()]
    numbers = named or [str(each) for each in range(count())]
    return numbers[: count()]
