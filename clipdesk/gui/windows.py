"""Code that only Windows needs."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path


def load_torch_libraries() -> None:
    """Load torch's base library, so that it finds its own companions and not Qt's; takes a few milliseconds."""
    spec = importlib.util.find_spec("torch")
    if sys.platform != "win32" or spec is None or not spec.submodule_search_locations:
        return
    folder = Path(spec.submodule_search_locations[0]) / "lib"
    if folder.is_dir():
        os.add_dll_directory(str(folder))
        ctypes.WinDLL(str(folder / "c10.dll"))
