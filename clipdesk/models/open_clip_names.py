"""Names of open_clip's models, such as ``open_clip:ViT-B-32/laion2b_s34b_b79k``. Imports no torch."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import NamedTuple

from clipdesk.errors import UsageError

PREFIX = "open_clip:"
INSTALL = "pip install 'clipdesk[open-clip]'"
"""How to get the extra; for whoever lacks it."""

_FORM = re.compile(r"(?P<architecture>[^/\[\]]+)/(?:\[(?P<file>.+)\]|(?P<tag>[^/\[\]]+))", re.DOTALL)


class OpenClipName(NamedTuple):
    """One of open_clip's architectures, with weights.

    Attributes:
        architecture: As open_clip calls it, such as ``ViT-B-32``.
        tag: Of the weights that open_clip knows, such as ``laion2b_s34b_b79k``; empty where they are in a file.
        file: A checkpoint of the architecture; None where the weights have a tag.
    """

    architecture: str
    tag: str = ""
    file: Path | None = None

    def __str__(self) -> str:
        return f"{PREFIX}{self.architecture}/{self.tag if self.file is None else f'[{self.file}]'}"


def open_clip_name(name: str) -> OpenClipName | None:
    """The parts of a name of open_clip's; None for another name.

    Raises:
        UsageError: it begins like one of open_clip's and goes on otherwise.
    """
    if not name.startswith(PREFIX):
        return None
    found = _FORM.fullmatch(name[len(PREFIX) :])
    if found is None:
        raise UsageError(
            f"'{name}' is no model of open_clip. Write {PREFIX}ARCHITECTURE/TAG ('clipdesk models --open-clip' lists "
            f"them), or {PREFIX}ARCHITECTURE/[FILE] for a checkpoint"
        )
    file = found["file"]
    return OpenClipName(found["architecture"], found["tag"] or "", None if file is None else Path(file))


def has_open_clip() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("open_clip") is not None


def check_open_clip(name: OpenClipName) -> None:
    """Check what can be checked at once: that the extra is installed, and the file there.

    Raises:
        UsageError: it is not.
    """
    if not has_open_clip():
        raise missing(str(name))
    if name.file is not None and not name.file.is_file():
        raise UsageError(f"There is no file '{name.file}'")


def missing(what: str) -> UsageError:
    """What to raise where something needs the extra, and it is not installed."""
    bundled = getattr(sys, "frozen", False)
    remedy = "is not in this bundle. Install ClipDesk with pip, and" if bundled else "is not installed. Get it:"
    return UsageError(f"{what} needs the package open_clip, which {remedy} {INSTALL}")
