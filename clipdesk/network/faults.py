"""What goes wrong on a device, in words."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from clipdesk.errors import DeviceLostError, RenderError, first_line

log = logging.getLogger(__name__)

_FULL = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""How CUDA and MPS, the CPU on POSIX and on Windows, and CUDA's libraries say it; only CUDA has an error of its own."""
_LOST = ("CUDA error", "HIP error")
"""How torch before 2.8 says it, which has no error of its own."""


@contextmanager
def explained(pictures: int, device: torch.device) -> Iterator[None]:
    """While it is entered, torch's errors are told as ClipDesk's: what torch cannot do ends a picture, not the queue.

    Args:
        pictures: How many are rendered side by side.
        device: Where.

    Raises:
        RenderError: there is too little memory, or torch cannot compute a step, as when a device lacks an operation.
        DeviceLostError: the device has failed.
    """
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if isinstance(error, torch.OutOfMemoryError) or any(words in text for words in _FULL):
            raise RenderError(
                f"There is not enough memory for {pictures} picture{'s' if pictures > 1 else ''} at once. "
                f"Try {'fewer, or ' if pictures > 1 else ''}a smaller size"
            ) from error
        if isinstance(error, getattr(torch, "AcceleratorError", ())) or any(words in text for words in _LOST):
            raise DeviceLostError(f"The device {device} has failed ({first_line(error)})") from error
        log.warning("a step failed on %s", device, exc_info=True)
        raise RenderError(f"The device {device} could not compute a step ({first_line(error)})") from error
