"""The contents of a bundle as plain data; this module does not need PyInstaller."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
NAME = "ClipDesk"
IDENTIFIER = "io.github.clipdesk.ClipDesk"
SCHEME = "clipdesk"
"""Of the links that open the window at a unit."""
PROGRAMS = ("clipdesk", "clipdesk.com", "Contents/MacOS/ClipDesk", "ClipDesk")
"""Possible paths of the command-line program in a bundle; the first that exists counts."""
CPU, CUDA = "cpu", "cuda"
ICON_SIDES = (16, 24, 32, 48, 64, 128, 256, 512)
LEAST_MACOS = "14.0"
"""What torch's wheels ask for, which are for Apple's chips only; PySide6's ask for 13."""
LIMIT_MB = {CPU: 1200}
"""Largest unpacked size of a variant."""


@dataclass(frozen=True)
class Trim:
    """Files that PyInstaller would pack although the program cannot use them.

    Attributes:
        pattern: A regular expression for the whole path in the bundle, with forward slashes.
        reason: The reason why they can be left out.
    """

    pattern: str
    reason: str


TRIMS = (
    Trim(r"torch/test/.*", "torch's own tests"),
    Trim(r"torch/bin/(?!torch_shm_manager).*", "torch's programs for its tests and compilers"),
    Trim(r"torch/(include|share)/.*", "headers, for compiling extensions"),
    Trim(r"(.*/)?[^/]+\.(a|lib|pdb|pyi)", "for linkers, debuggers and type checkers"),
    Trim(r"PySide6/(Qt/)?translations/.*", "Qt's own texts in other languages; ClipDesk is in English"),
    Trim(r"PySide6/(Qt/)?qml/.*", "parts of QML, which ClipDesk does not use"),
    Trim(r"(.*/)?(lib)?Qt6(Qml|Quick|Labs|VirtualKeyboard|Pdf)[^/]*", "QML, on-screen keyboard and PDF viewer"),
    Trim(r"PySide6/(Qt/)?plugins/.*(virtualkeyboard|qpdf)[^/]*", "plugins of these"),
    Trim(r"PySide6/(Qt/)?plugins/(qmltooling|egldeviceintegrations|designer|sqldrivers)/.*", "no QML, no bare screens"),
    Trim(r"PySide6/(Qt/)?plugins/platforms/(lib)?q(eglfs|linuxfb|vnc|vkkhrdisplay|minimalegl)[^/]*", "no bare screens"),
    Trim(r"pyqtgraph/(examples|icons/peegee)/.*", "examples and pyqtgraph's own logo"),
    Trim(r"numpy/.*/tests/.*", "numpy's own tests"),
)

EXCLUDED_MODULES = {
    "triton": "compiles kernels for torch.compile, which ClipDesk never calls",
    "torch.utils.tensorboard": "needs tensorboard",
    "tkinter": "another window toolkit, which pillow can use",
    "matplotlib": "pyqtgraph can export to it",
    "scipy": "pyqtgraph can use it",
    "IPython": "rich and tqdm can use it",
    "pytest": "for tests",
    "mypy": "for developers; pydantic has a plugin for it",
    "hypothesis": "for tests; pydantic can use it",
    "pyqtgraph.examples": "examples",
    "pyqtgraph.opengl": "plots in three dimensions",
    "PySide6.QtTest": "for tests",
}
"""Modules that are left out, with the reasons."""


def version(root: Path = ROOT) -> str:
    """ClipDesk's version, read from its only place.

    Raises:
        ValueError: the file does not contain a version.
    """
    tree = ast.parse((root / "clipdesk" / "version.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names == ["__version__"]:
                return str(node.value.value)
    raise ValueError("clipdesk/version.py has no __version__")


def version_numbers(text: str) -> tuple[int, int, int, int]:
    """A version as the four numbers of a Windows program."""
    found = [int(number) for number in re.findall(r"\d+", text)[:3]]
    major, minor, patch = (*found, 0, 0, 0)[:3]
    return major, minor, patch, 0


def trim_of(path: str) -> Trim | None:
    """The reason to leave a file out; None if it is packed."""
    plain = str(PurePosixPath(path.replace("\\", "/")))
    return next((trim for trim in TRIMS if re.fullmatch(trim.pattern, plain)), None)


@dataclass(frozen=True)
class Entry:
    """A file that PyInstaller wants to pack: its path in the bundle, and its source."""

    place: str
    source: str
    kind: str


def sort_out(entries: Iterable[Entry]) -> tuple[list[Entry], dict[Trim, int]]:
    """Sort the files: those to pack, and the bytes that each trim saves."""
    kept: list[Entry] = []
    saved: dict[Trim, int] = {}
    for entry in entries:
        trim = trim_of(entry.place)
        if trim is None:
            kept.append(entry)
        else:
            source = Path(entry.source)
            saved[trim] = saved.get(trim, 0) + (source.stat().st_size if source.is_file() else 0)
    return kept, saved


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder; a file with several links counts once."""
    sizes = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def module_size(name: str, folders: Iterable[Path]) -> int:
    """Bytes of a module's files; 0 if it is not installed."""
    for folder in folders:
        package = folder.joinpath(*name.split("."))
        if package.is_dir():
            return folder_size(package)
        files = [*package.parent.glob(f"{package.name}.*.so"), *package.parent.glob(f"{package.name}.py*")]
        if files:
            return sum(file.stat().st_size for file in files)
    return 0
