"""What head and workers must have in common, said in the first message. Imports no torch."""

from __future__ import annotations

import importlib.metadata
import os
import socket
from collections.abc import Mapping
from functools import cache
from typing import Any

from clipdesk.version import __version__

PROTOCOL = 2
"""Changes with what the messages mean."""


def greeting(device: str = "") -> dict[str, Any]:
    """What a worker says first.

    Args:
        device: What it computes with, for people.
    """
    return {
        "protocol": PROTOCOL,
        "clipdesk": __version__,
        "torch": torch_version(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "device": device,
    }


@cache
def torch_version() -> str:
    """The version of torch that is installed, without what it was built for."""
    return importlib.metadata.version("torch").partition("+")[0]


def mismatch(said: Mapping[str, Any]) -> str:
    """Why a worker with this greeting cannot work here, for the user; empty if it can."""
    here = {"clipdesk": ("ClipDesk", __version__), "torch": ("torch", torch_version())}
    for key, (name, version) in here.items():
        if said.get(key) != version:
            return f"it has {name} {said.get(key)}, and here is {version}. Install the same on both"
    if said.get("protocol") != PROTOCOL:
        return "it has another build of ClipDesk. Install the same on both"
    return ""
