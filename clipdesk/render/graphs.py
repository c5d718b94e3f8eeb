"""Capture a step as a CUDA graph and replay it, so that a GPU does not wait for Python between kernels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

log = logging.getLogger(__name__)

_PLAINLY = 3
"""Steps before the capture, in which libraries make their plans and the optimiser its state."""


def repeats_steps(device: torch.device) -> bool:
    """Whether steps are captured and replayed on a device."""
    return device.type == "cuda"


class CapturedStep(Protocol):
    """A CUDA graph of one step."""

    def replay(self) -> None:
        """Run the step again on the present contents of the memory that it reads."""


class RepeatedStep:
    """Takes the steps of a render on a GPU: the first few plainly, the others by replaying a captured step.

    A step is some hundred kernels of a few microseconds each; Python cannot launch them as fast as they finish.
    Source: NVIDIA's CUDA graphs, as torch.cuda.graphs offers them.

    Args:
        device: The GPU.
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
            work: The step. It reads and writes only memory that keeps its address, does not wait for the GPU, and
                returns its result.
            kind: Identifies the work; another kind than before is captured anew.

        Returns:
            The result of `work`, which the next call may overwrite.
        """
        if kind != self._kind:
            self._kind = kind
            self._plain = 0
            self._captured = None
        if not self._possible or self._plain < _PLAINLY:
            self._plain += 1
            return self.plainly(work)
        if self._captured is None:
            try:
                self._captured = self.captured(work)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:
                log.warning("a step cannot be captured here: steps are taken one by one, slower", exc_info=True)
                self._possible = False
                return self.plainly(work)
        step, result = self._captured
        step.replay()
        return result

    def forget(self) -> None:
        """Free the captured step and its memory, which holds everything that a step computes with."""
        self._kind, self._captured = None, None

    def plainly(self, work: Callable[[], Tensor]) -> Tensor:
        """Run it in the stream of the capture; work that is pending in another stream could not be captured."""
        usual = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(usual)
        with torch.cuda.stream(self._stream):
            result = work()
        usual.wait_stream(self._stream)
        return result

    def captured(self, work: Callable[[], Tensor]) -> tuple[CapturedStep, Tensor]:
        """Capture it without running it; returns the graph, and the tensor into which each replay writes its result."""
        graph = torch.cuda.CUDAGraph()
        # Other threads, such as the one that estimates times, may use the device at the same time.
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            result = work()
        return graph, result

    @cached_property
    def _stream(self) -> torch.cuda.Stream:
        cuda: Any = torch.cuda  # whose class is not typed
        stream: torch.cuda.Stream = cuda.Stream(self._device)
        return stream
