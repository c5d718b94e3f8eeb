"""Files of the Hugging Face Hub, through its own library: in its folder, with its proxies and tokens.

The library comes with the extra ``clipdesk[open-clip]``; this module is imported only where that is installed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    list_repo_files,
    try_to_load_from_cache,
)
from huggingface_hub.errors import EntryNotFoundError
from typing_extensions import Self

from clipdesk.errors import Cancelled, ClipDeskError, one_line
from clipdesk.models.places import CONFIGS, INDICES, SINGLE, SUFFIXES, names_in
from clipdesk.models.transfer import Meter, Transfer

log = logging.getLogger(__name__)

_Made = TypeVar("_Made")


class HubFile:
    """A file of a repository, under the first of some names that is there.

    Args:
        label: What it is called in messages.
        repository: Such as ``laion/CLIP-ViT-B-32-laion2B-s34B-b79K``.
        names: The names, best first.
    """

    def __init__(self, label: str, repository: str, names: Sequence[str]) -> None:
        self.label = label
        self.repository = repository
        self.names = tuple(names)

    @property
    def on_disk(self) -> Path | None:
        """Where it is, if it has been downloaded."""
        for name in self.names:
            # A path; or a mark that the file is known not to exist, or None.
            found = try_to_load_from_cache(self.repository, name)
            if isinstance(found, str):
                return Path(found)
        return None

    def fetch(
        self, progress: Callable[[Transfer], object] = lambda _: None, cancelled: Callable[[], bool] = lambda: False
    ) -> Path:
        """The file, downloaded if it is not there.

        Args:
            progress: Told how far it is, five times a second at most.
            cancelled: Asked with each piece that arrives; when it says True, the download ends.

        Raises:
            ClipDeskError: it cannot be had; says what to do without a connection.
            Cancelled: `cancelled` said so. The library keeps no part of a file.
        """
        there = self.on_disk
        if there is not None:
            return there
        meter = Meter(self.label, progress, kept=False)
        meter.show(0, None, "connecting", always=True)
        with _plainly():
            try:
                name, size = self._look_up()
                if cancelled():
                    raise Cancelled
                # A class, because the library makes its own.
                watch = type("Watch", (_Watch,), {"meter": meter, "cancelled": staticmethod(cancelled), "whole": size})
                return Path(hf_hub_download(self.repository, name, tqdm_class=watch))
            except Exception as error:
                if isinstance(error, Cancelled):
                    raise
                log.info("downloading %s", self.label, exc_info=True)
                raise self.failed(error) from error

    def _look_up(self) -> tuple[str, int | None]:
        """The name that is there, and its size. Asks once: the library's own questions take half a minute to fail."""
        for name in self.names[:-1]:
            try:
                return name, get_hf_file_metadata(hf_hub_url(self.repository, name)).size
            except EntryNotFoundError:
                continue
        return self.names[-1], get_hf_file_metadata(hf_hub_url(self.repository, self.names[-1])).size

    def check_there(self) -> None:
        """Ask for it once.

        Raises:
            Exception: of any kind: it is not there, or there is no connection.
        """
        self._look_up()

    def failed(self, error: Exception) -> ClipDeskError:
        """The error for the user, for one of the library's."""
        folder = Path(constants.HF_HUB_CACHE) / f"models--{self.repository.replace('/', '--')}"
        reason = (" ".join(str(error).split())[:200] or type(error).__name__).rstrip(".")
        return ClipDeskError(
            f"Could not download {self.label} from the Hugging Face Hub: {reason}. Check the connection and the space "
            f"on the disk; or run 'hf download {self.repository}' on another computer, and copy the folder that this "
            f"makes to {folder}"
        )


class Repository:
    """A repository that holds one CLIP: its weights, maybe in shards, and its configuration.

    Args:
        name: Such as ``openai/clip-vit-base-patch32``.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._weights = self._file(*SINGLE, *INDICES)

    def _file(self, *names: str) -> HubFile:
        return HubFile(f"hf:{self._name}", self._name, names)

    def _shards(self, weights: Path) -> list[HubFile]:
        return [self._file(name) for name in names_in(weights)] if weights.name in INDICES else []

    @property
    def on_disk(self) -> Path | None:
        """Where its weights are, or their index, if all of them have been downloaded."""
        found = self._weights.on_disk
        return None if found is None or any(shard.on_disk is None for shard in self._shards(found)) else found

    def fetch(
        self, progress: Callable[[Transfer], object] = lambda _: None, cancelled: Callable[[], bool] = lambda: False
    ) -> Path:
        """Its weights, or their index, with all that belongs to them beside it.

        What is on this disk already, in the library's own folder, is used as it is.

        Args:
            progress: As for `HubFile.fetch`.
            cancelled: As for `HubFile.fetch`.

        Raises:
            ClipDeskError: it cannot be had, or has no weights of a usual name; says what to do without a connection.
            Cancelled: `cancelled` said so.
        """
        found = self._weights.fetch(progress, cancelled)
        for shard in self._shards(found):
            shard.fetch(progress, cancelled)
        configs = [self._file(name) for name in CONFIGS]
        if all(config.on_disk is None for config in configs):
            for config in configs:
                # Most repositories have one of them only.
                with suppress(ClipDeskError):
                    config.fetch(progress, cancelled)
        return found


def fetch_beside(
    label: str,
    repository: str,
    inside: str,
    names: Sequence[str],
    configs: Sequence[str],
    *,
    progress: Callable[[Transfer], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """A file of a repository with the configuration that is beside it, downloaded if they are not there.

    Args:
        label: What it is called in messages.
        repository: Such as ``owner/name``.
        inside: The file's path in the repository, or that of its folder; empty for the repository's own folder.
        names: Names of the file in the folder, best first; if none of them is there, the only file of weights is taken.
        configs: Names that a configuration may have.
        progress: As for `HubFile.fetch`.
        cancelled: As for `HubFile.fetch`.

    Raises:
        ClipDeskError: it cannot be had; says what to do without a connection.
        Cancelled: `cancelled` said so.
    """
    is_file = Path(inside).suffix in SUFFIXES
    folder = (inside.rpartition("/")[0] if is_file else inside).strip("/")
    start = f"{folder}/" if folder else ""
    for config in configs:
        # Most have one of them only, and some none.
        with suppress(ClipDeskError):
            HubFile(label, repository, (f"{start}{config}",)).fetch(progress, cancelled)
            break
    weights = HubFile(label, repository, (inside,) if is_file else [f"{start}{name}" for name in names])
    if is_file or weights.on_disk is not None:
        return weights.fetch(progress, cancelled)
    try:
        return weights.fetch(progress, cancelled)
    except ClipDeskError:
        only = _only_weights(label, repository, start)
        if only is None:
            raise
        return HubFile(label, repository, (only,)).fetch(progress, cancelled)


def _only_weights(label: str, repository: str, start: str) -> str | None:
    """The one file of weights in a folder of a repository; None where there is none, or no connection.

    Raises:
        ClipDeskError: there are several.
    """
    try:
        with _plainly():
            files = list_repo_files(repository)
    except Exception:
        log.info("listing %s", label, exc_info=True)
        return None
    found = [name for name in files if name.startswith(start) and Path(name).suffix in SUFFIXES]
    if len(found) > 1:
        shown = ", ".join(one_line(name, 80) for name in found[:5])
        raise ClipDeskError(f"{label} holds {len(found)} files of weights. Name one of them after it: {shown}")
    return found[0] if found else None


def by_library(label: str, repository: str, names: Sequence[str], made: Callable[[bool], _Made]) -> _Made:
    """What another library makes of files that it gets from a repository by itself, such as a tokenizer.

    Without a connection such libraries try again for a minute, and say so on the terminal. So the files on this disk
    are tried first, and then the connection.

    Args:
        label: What it is called in messages.
        repository: Such as ``google/siglip-base-patch16-224``.
        names: Files of which one must be there.
        made: Makes it; told whether it may use only what is on this disk.

    Raises:
        ClipDeskError: it cannot be had; says what to do without a connection.
    """
    file = HubFile(label, repository, names)
    with _plainly():
        with suppress(Exception), offline():
            return made(True)
        try:
            file.check_there()
            return made(False)
        except Exception as error:
            log.info("getting %s", label, exc_info=True)
            raise file.failed(error) from error


@contextmanager
def offline() -> Iterator[None]:
    """While it is entered, the library uses only what is on this disk, and asks nobody."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


class _Watch:
    """In the place of the library's progress bar: tells a `Meter` of each piece, and ends the download if asked."""

    meter: Meter
    cancelled: Callable[[], bool]
    whole: int | None

    def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
        self._done = initial

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, more: float = 1) -> None:
        """Count bytes that have arrived."""
        if self.cancelled():
            raise Cancelled
        self._done += int(more)
        self.meter.show(self._done, self.whole, always=self._done == self.whole)

    def close(self) -> None:
        """Nothing is to be closed."""


@contextmanager
def _plainly() -> Iterator[None]:
    """While it is entered, the library uses plain HTTP and tells only of errors.

    Its other protocol moves the bytes in a library of its own, which no exception of ours would stop; and each of its
    warnings would be a line on the terminal.
    """
    libraries = [logging.getLogger(name) for name in ("huggingface_hub", "transformers")]
    levels, xet = [library.level for library in libraries], constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        for library in libraries:
            library.setLevel(logging.ERROR)
        yield
    finally:
        for library, level in zip(libraries, levels, strict=True):
            library.setLevel(level)
        constants.HF_HUB_DISABLE_XET = xet
