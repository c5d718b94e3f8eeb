"""Turn torch's errors on a device into ClipDesk's, with a message for the user."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from clipdesk.errors import DeviceLostError, RenderError, first_line

log = logging.getLogger(__name__)

_FULL = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""Words of CUDA and MPS, the CPU on POSIX and on Windows, and CUDA's libraries for a full memory; only CUDA has an
exception class for it."""
_LOST = ("CUDA error", "HIP error")
"""Words of torch before 2.8, which has no exception class for a lost device."""


@contextmanager
def explained(pictures: int, device: torch.device) -> Iterator[None]:
    """Turn torch's errors into ClipDesk's while entered, so that they end a picture and not the whole queue.

    Args:
        pictures: Number of pictures that are rendered side by side.
        device: The device that they are rendered on.

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
