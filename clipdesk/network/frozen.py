"""Have a model to oneself, also in evaluation mode, and leave it exactly as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from torch import nn

_locks: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_of_locks = threading.Lock()


@contextmanager
def alone_with(model: nn.Module) -> Iterator[None]:
    """While it is entered, no other thread runs the model.

    While one does, its modules hold hooks, and copies of its weights in another number format: whoever reads or copies
    all of them meanwhile must be alone with it.
    """
    with _lock_of(model):
        yield


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode without gradients for its weights while entered; then restore it.

    A thread that enters meanwhile waits: hooks, modes and weights belong to the model, not to who runs it. So hold it
    for one forward pass, not for a whole render.
    """
    with alone_with(model):
        trained = [module for module in model.modules() if module.training]
        wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
        try:
            if trained:
                model.eval()
            for parameter in wanted:
                parameter.requires_grad_(False)
            yield
        finally:
            # Not `train()`, which would give all parts the mode of the whole.
            for module in trained:
                module.training = True
            for parameter in wanted:
                parameter.requires_grad_(True)


def _lock_of(model: nn.Module) -> threading.RLock:
    with _of_locks:
        return _locks.setdefault(model, threading.RLock())
