"""A step that is recorded once and then repeated whole, so that a GPU does not wait for Python between its kernels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

log = logging.getLogger(__name__)

_PLAINLY = 3
"""Steps before the recording: libraries make their plans, the optimiser its state."""


def repeats_steps(device: torch.device) -> bool:
    """Whether steps are recorded and repeated on a device."""
    return device.type == "cuda"


class CapturedStep(Protocol):
    """Work that was recorded."""

    def replay(self) -> None:
        """Do it again, with what is now in the memory that it reads."""


class RepeatedStep:
    """Takes the steps of a render on a GPU: a few plainly, then one recording of them again and again.

    A step is some hundred kernels of a few microseconds each, which Python cannot start as fast as they are done.
    Source: NVIDIA's CUDA graphs, as torch.cuda.graphs offers them.

    Args:
        device: Where.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kind: Hashable = None
        self._plain = 0
        self._captured: tuple[CapturedStep, Tensor] | None = None
        self._possible = True

    def __call__(self, work: Callable[[], Tensor], kind: Hashable) -> Tensor:
        """Take a step.

        Args:
            work: It reads and writes only memory that stays where it is, waits for nothing, and returns its result.
            kind: When it is another than before, the work has changed and is recorded anew.

        Returns:
            Its result, which the next call may overwrite.
        """
        if kind != self._kind:
            self._kind, self._plain, self._captured = kind, 0, None
        if not self._possible or self._plain < _PLAINLY:
            self._plain += 1
            return self.plainly(work)
        if self._captured is None:
            try:
                self._captured = self.captured(work)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:
                log.warning("a step cannot be recorded here: steps are taken one by one, slower", exc_info=True)
                self._possible = False
                return self.plainly(work)
        step, result = self._captured
        step.replay()
        return result

    def forget(self) -> None:
        """Give back the memory that the recording holds: all that a step calculates with."""
        self._kind, self._captured = None, None

    def plainly(self, work: Callable[[], Tensor]) -> Tensor:
        """Do it, in the stream in which it will be recorded: what is left over in another could not be recorded."""
        usual = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(usual)
        with torch.cuda.stream(self._stream):
            result = work()
        usual.wait_stream(self._stream)
        return result

    def captured(self, work: Callable[[], Tensor]) -> tuple[CapturedStep, Tensor]:
        """Record it without doing it; gives the recording, and where each replay leaves its result."""
        graph = torch.cuda.CUDAGraph()
        # Other threads, such as the one that estimates times, may use the device meanwhile.
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            result = work()
        return graph, result

    @cached_property
    def _stream(self) -> torch.cuda.Stream:
        cuda: Any = torch.cuda  # whose class is not typed
        stream: torch.cuda.Stream = cuda.Stream(self._device)
        return stream
