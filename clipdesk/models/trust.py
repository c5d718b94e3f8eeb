"""Which TorchScript archives may be opened although they hold code. Imports no torch.

The memory is this process's: nothing is written down, so that what was allowed once is asked for again another day.
"""

from __future__ import annotations

from pathlib import Path

from clipdesk.checksums import read_sha256
from clipdesk.errors import ClipDeskError

_allowed: set[str] = set()


class UntrustedArchive(ClipDeskError):
    """A TorchScript archive that is none of OpenAI's and that nobody has allowed.

    Attributes:
        sha256: Checksum of the archive, by which `allow` lets it be opened.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        super().__init__(
            f"{path} is a TorchScript archive, which holds code that runs when it is opened, and none of OpenAI's. "
            "Ask for a state dict; or if you trust who made it, allow it: --trust-archive, in Python trust_archive=True"
        )
        self.sha256 = sha256


def allow(sha256: str) -> None:
    """Let an archive of this checksum be opened, for as long as this process runs."""
    _allowed.add(sha256)


def allow_file(path: Path) -> None:
    """`allow` what a file holds now. Takes about a second for each GB.

    Raises:
        ClipDeskError: it cannot be read.
    """
    try:
        allow(read_sha256(path))
    except OSError as error:
        raise ClipDeskError(f"Could not read {path}: {error.strerror or error}") from error


def is_allowed(sha256: str) -> bool:
    """Whether somebody has allowed an archive of this checksum."""
    return sha256 in _allowed


def all_allowed() -> list[str]:
    """The checksums of all archives that somebody has allowed, as for another process that works for this one."""
    return sorted(_allowed)
