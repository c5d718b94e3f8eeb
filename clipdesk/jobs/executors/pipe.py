"""A worker whose messages come from its input and go to its output, as `LocalFleet` starts it."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from typing import IO, NoReturn

import torch

from clipdesk.errors import ClipDeskError
from clipdesk.jobs.executors.wire import read_message, write_message
from clipdesk.jobs.executors.worker import Worker
from clipdesk.jobs.here import Here


def work_through_pipe(threads: int | None = None) -> NoReturn:
    """Work for the head that has started this process, until its end of the pipe is closed.

    Args:
        threads: How many threads torch may use; by default as many as there are cores.
    """
    source, sink = _pipes()
    with suppress(ValueError):
        # Ctrl-C is for the head, which then asks for what has been reached.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if threads:
        torch.set_num_threads(threads)
    came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, came), daemon=True).start()
    Worker(Here(), lambda wait: _next(came, wait), lambda data: _send(sink, data), _device()).work()


def work_through_queues(
    came: queue.SimpleQueue[bytes], said: queue.SimpleQueue[bytes], threads: int | None = None
) -> NoReturn:
    """Work for a head whose messages somebody else carries, as Ray does; does not return.

    Args:
        came: Messages of the head's.
        said: Messages for it.
        threads: How many threads torch may use; by default as many as there are cores.
    """
    if threads:
        torch.set_num_threads(threads)
    Worker(Here(), lambda wait: _next(came, wait), said.put, _device()).work()


def _device() -> str:
    """What this process computes with, for people."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The streams of messages; what any library prints does not get among them."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return source, sink


def _listen(source: IO[bytes], came: queue.SimpleQueue[bytes]) -> None:
    # On a thread of its own, so that no computation, however long, outlives the head.
    with suppress(OSError, ClipDeskError):
        while (data := read_message(source)) is not None:
            came.put(data)
    _leave()


def _next(came: queue.SimpleQueue[bytes], wait: bool) -> bytes | None:
    try:
        return came.get(block=wait)
    except queue.Empty:
        return None


def _send(sink: IO[bytes], data: bytes) -> None:
    try:
        write_message(sink, data)
    except OSError:
        _leave()


def _leave() -> NoReturn:
    """End at once: there is nobody to work for, and nothing here is worth keeping."""
    with suppress(Exception):
        sys.stderr.flush()
    os._exit(0)
