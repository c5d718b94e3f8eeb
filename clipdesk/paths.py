"""Paths of ClipDesk's own files."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def resource(name: str) -> Path:
    """Path of a file in `resources/`, which is inside the package in a wheel and beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    return (installed if installed.is_dir() else package.parent / "resources") / name


def data_folder() -> Path:
    """Folder of the user's data other than settings and results, such as the queue; ``CLIPDESK_DATA`` overrides it."""
    return Path(os.environ.get("CLIPDESK_DATA") or platformdirs.user_data_dir("clipdesk", appauthor=False))


def cache_folder() -> Path:
    """Folder for what can be made again; ``CLIPDESK_DATA`` overrides it too."""
    data = os.environ.get("CLIPDESK_DATA")
    return Path(data) / "cache" if data else Path(platformdirs.user_cache_dir("clipdesk", appauthor=False))


def surveys_folder() -> Path:
    """Where surveys are kept."""
    return data_folder() / "surveys"


def autoencoders_folder() -> Path:
    """Where sparse autoencoders are kept that were trained here."""
    return data_folder() / "autoencoders"


def comparisons_folder() -> Path:
    """Where comparisons are kept."""
    return data_folder() / "comparisons"


def log_file() -> Path:
    """Path of the log, in the platform's folder for logs."""
    return Path(platformdirs.user_log_dir("clipdesk", appauthor=False)) / "clipdesk.log"


def head_log() -> Path:
    """Path of the file in which a head that a window has started writes what it would say in a terminal."""
    return log_file().with_name("head.log")
