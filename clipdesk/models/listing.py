"""The models that can be asked for, with what one wants to know before. Only open_clip's take torch along."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from clipdesk.models.catalogue import CATALOGUE, SHOWPIECES, file_of
from clipdesk.models.names import (
    Checkpoint,
    HubModel,
    ModelName,
    Named,
    OpenClip,
    check_name,
    has_open_clip,
    missing,
    plain_name,
)
from clipdesk.paths import resource

if TYPE_CHECKING:
    from clipdesk.models.hub import HubFile, Repository

_HUB = "https://huggingface.co/"
_BYTES_OF_A_WEIGHT = 4


class Listed(NamedTuple):
    """A model that can be asked for.

    Attributes:
        name: As it is asked for; of a checkpoint its path.
        family: Who has it: ``embedded``, ``OpenAI``, ``open_clip`` or ``file``.
        description: What it is, in a few words.
        input_size: Side of its input, in pixels; None where only the opened model would tell.
        megabytes: Size of its file in MB (10^6 bytes), rounded; None where it is not known.
        exact: Whether that is the size of a file, or only follows from the count of weights in float32.
        licence: That of its weights, by SPDX's name; empty where one has to look at `page`.
        place: Its file on this disk; None where it will be downloaded, or is gone.
        page: What there is to read about it on the web; empty for a file.
    """

    name: str
    family: str
    description: str
    input_size: int | None = None
    megabytes: int | None = None
    exact: bool = True
    licence: str = ""
    place: Path | None = None
    page: str = ""


def named_models() -> list[Listed]:
    """The embedded models and OpenAI's."""
    listed = []
    for model in CATALOGUE.values():
        file = file_of(model.name)
        embedded = model.name in SHOWPIECES
        listed.append(
            Listed(
                model.name,
                "embedded" if embedded else "OpenAI",
                model.description.partition(", ")[2],
                model.input_size,
                model.megabytes,
                licence=model.licence,
                place=file if os.path.isfile(file) else None,
                page="" if embedded else "https://github.com/openai/CLIP",
            )
        )
    return listed


def open_clip_models() -> list[Listed]:
    """All that open_clip has weights for. Takes some seconds the first time: it imports torch and open_clip.

    Raises:
        UsageError: the extra is not installed.
    """
    if not has_open_clip():
        raise missing("The list of these models")
    clips = _open_clips()
    millions: dict[str, float] = json.loads(resource("open_clip_sizes.json").read_text(encoding="utf-8"))
    listed = []
    for name in clips.known_names():
        file = clips.hub_file(name)
        place, count = file.on_disk, millions.get(name.architecture)
        guess = None if count is None else round(_BYTES_OF_A_WEIGHT * count)
        listed.append(
            Listed(
                str(name),
                "open_clip",
                f"{name.architecture}, trained on {name.tag}",
                clips.input_size_of(name.architecture),
                _megabytes(place) if place else guess,
                exact=place is not None,
                place=place,
                page=f"{_HUB}{file.repository}",
            )
        )
    return listed


def is_on_disk(name: ModelName) -> bool:
    """Whether a model is opened without a download. A checkpoint always is, or not at all.

    Raises:
        UsageError: open_clip is not installed, or has no such model.
    """
    name = plain_name(name)
    if isinstance(name, Checkpoint):
        return True
    if isinstance(name, Named):
        return file_of(name.name).exists()
    check_name(name)
    return on_the_hub(name).on_disk is not None


def on_the_hub(name: OpenClip | HubModel) -> HubFile | Repository:
    """What finds and downloads the weights of a model that `check_name` has passed.

    Raises:
        UsageError: open_clip has no such model.
    """
    if isinstance(name, HubModel):
        found: Repository = hub_module().Repository(name.repository)
        return found
    clips = _open_clips()
    clips.check_pair(name)
    file: HubFile = clips.hub_file(name)
    return file


def hub_module() -> ModuleType:
    """`clipdesk.models.hub`, whose package may be missing and takes long to load."""
    from clipdesk.models import hub

    return hub


def _open_clips() -> ModuleType:
    # OpenAI's package first: meanwhile parts of torchvision are hidden, which open_clip needs.
    importlib.import_module("clipdesk.models.package")
    from clipdesk.models import open_clips

    return open_clips


def file_model(name: Checkpoint) -> Listed:
    """A checkpoint of the user's, which may be gone."""
    there = os.path.isfile(name.path) or os.path.isdir(name.path)
    form = f" of open_clip's {name.architecture}" if name.architecture else ""
    return Listed(
        str(name),
        "file",
        f"checkpoint{form}",
        megabytes=_megabytes(name.path) if os.path.isfile(name.path) else None,
        place=name.path if there else None,
    )


def _megabytes(file: Path) -> int:
    return max(1, round(file.stat().st_size / 1e6))
