"""Build the bundle: a folder with ClipDesk, Python and all libraries in it.

Run ``python packaging/build.py [--variant cpu|cuda] [--archive]`` in an environment with ``pip install '.[bundle]'``
and the torch to pack. The bundle is dist/ClipDesk (on macOS also dist/ClipDesk.app).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import bundle

DIST, WORK = bundle.ROOT / "dist", bundle.ROOT / "build" / "bundle"
FOLDER = DIST / bundle.NAME
_HERE = Path(__file__).resolve().parent


def main() -> None:
    """Build, and print the time, the size and what was left out."""
    parser = argparse.ArgumentParser(description="Build the bundle in dist/.")
    parser.add_argument(
        "--variant", choices=[bundle.CPU, bundle.CUDA], help="fail unless the installed torch is this variant"
    )
    parser.add_argument("--archive", action="store_true", help="also pack it into one file for a release")
    options = parser.parse_args()
    variant = installed_variant()
    if options.variant not in (None, variant):
        sys.exit(f"The torch that is installed here is for {variant}. Install one for {options.variant} first")
    started = time.monotonic()
    _run_pyinstaller()
    _finish(variant)
    print(f"built {FOLDER.relative_to(bundle.ROOT)} ({variant}) in {time.monotonic() - started:.0f} s")
    _check_size(variant)
    if options.archive:
        print(f"packed {_pack(variant)}")


def installed_variant() -> str:
    """The variant of the installed torch, ``cpu`` or ``cuda``."""
    command = [sys.executable, "-c", "import torch; print(torch.version.cuda or '')"]
    return bundle.CUDA if subprocess.run(command, capture_output=True, check=True).stdout.strip() else bundle.CPU


def _run_pyinstaller() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"]
    command += ["--distpath", str(DIST), "--workpath", str(WORK), str(_HERE / "clipdesk.spec")]
    subprocess.run(command, check=True, cwd=bundle.ROOT)


def _finish(variant: str) -> None:
    """Add what PyInstaller does not: licences, and the files that a desktop needs to show the program."""
    if sys.platform == "win32":
        (FOLDER / "console.exe").replace(FOLDER / "clipdesk.com")
    (FOLDER / "LICENCES.txt").write_text(_licences(), encoding="utf-8")
    shutil.copytree(_HERE / "licences", FOLDER / "licences", ignore=shutil.ignore_patterns("README.txt"))
    (FOLDER / "VARIANT.txt").write_text(f"{bundle.NAME} {bundle.version()} {variant}\n", encoding="utf-8")
    if sys.platform.startswith("linux"):
        _add_desktop_files(FOLDER / "share")
    if sys.platform == "darwin":
        inside = DIST / f"{bundle.NAME}.app" / "Contents" / "Resources"
        shutil.copy(FOLDER / "LICENCES.txt", inside)
        shutil.copytree(FOLDER / "licences", inside / "licences")
        # Last: PyInstaller has sealed the app, and a file that is added breaks the seal. A download with a broken one
        # opens as "damaged".
        seal(DIST / f"{bundle.NAME}.app")


def seal(app: Path) -> None:
    """Sign an app of macOS without an identity, and check the signature.

    Raises:
        subprocess.CalledProcessError: it cannot be signed, or a file in it is not covered.
    """
    subprocess.run(["codesign", "--force", "--deep", "--sign", "-", str(app)], check=True)
    subprocess.run(["codesign", "--verify", "--deep", "--strict", str(app)], check=True)


def _add_desktop_files(share: Path) -> None:
    """Add desktop files in the layout of /usr and ~/.local, over which the folder is copied."""
    for name, place in (("desktop", "applications"), ("metainfo.xml", "metainfo")):
        (share / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(_HERE / "linux" / f"{bundle.IDENTIFIER}.{name}", share / place)
    icons = share / "icons" / "hicolor"
    pictures = {"scalable": bundle.ROOT / "resources" / "icons" / "clipdesk.svg"}
    pictures |= {f"{side}x{side}": _HERE / "icons" / f"clipdesk-{side}.png" for side in bundle.ICON_SIDES}
    for size, picture in pictures.items():
        (icons / size / "apps").mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, icons / size / "apps" / f"{bundle.IDENTIFIER}{picture.suffix}")


def _licences() -> str:
    """Names, versions and licence texts of Python, of all packages in the bundle, and of PyInstaller's loader."""
    packages = sorted(_needed("clipdesk", set()) | {"pyinstaller"})
    listing = [sys.executable, "-m", "piplicenses", "--format=plain-vertical", "--with-urls", "--no-license-path"]
    listing += ["--with-license-file", "--with-notice-file", "--with-system", "--packages", *packages]
    texts = subprocess.run(listing, capture_output=True, check=True, encoding="utf-8", cwd=bundle.ROOT).stdout
    python = next((p for p in _python_licences() if p.is_file()), None)
    own = (
        f"Python {platform.python_version()}\n\n{python.read_text(encoding='utf-8')}" if python else "Python: PSF-2.0\n"
    )
    return f"{own}\n\n{texts}"


def _python_licences() -> list[Path]:
    library = Path(os.__file__).parent
    return [library / "LICENSE.txt", library.parent / "LICENSE.txt", library.parent.parent / "LICENSE"]


def _needed(package: str, known: set[str]) -> set[str]:
    """A package and all its installed dependencies."""
    name = re.sub(r"[-_.]+", "-", package).lower()
    if name in known:
        return known
    try:
        requirements = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return known
    known.add(name)
    for requirement in map(Requirement, requirements):
        extra = "video" if name == "clipdesk" else ""
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            _needed(requirement.name, known)
    return known


def _check_size(variant: str) -> None:
    for reason, size in json.loads((WORK / "clipdesk" / "trimmed.json").read_text(encoding="utf-8")).items():
        print(f"left out {size / 1e6:8.1f} MB  {reason}")
    for module, reason in bundle.EXCLUDED_MODULES.items():
        size = bundle.module_size(module, map(Path, sys.path))
        print(f"left out {size / 1e6:8.1f} MB  module {module}: {reason}" if size else f"absent anyway      {module}")
    megabytes, limit = bundle.folder_size(FOLDER) / 1e6, bundle.LIMIT_MB.get(variant)
    print(f"unpacked {megabytes:.0f} MB")
    if limit is not None and megabytes > limit:
        sys.exit(f"That is more than {limit} MB")


def _pack(variant: str) -> Path:
    """Pack the bundle into one file for a release."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    name = f"{bundle.NAME}-{bundle.version()}-{system}-{platform.machine().lower()}-{variant}"
    if sys.platform == "darwin":
        packed = DIST / f"{name}.zip"
        app = DIST / f"{bundle.NAME}.app"
        # zipfile would lose the symbolic links, and with them the signature.
        subprocess.run(["ditto", "-c", "-k", "--keepParent", str(app), str(packed)], check=True)
        return packed
    if sys.platform == "win32":
        return Path(shutil.make_archive(str(DIST / name), "zip", DIST, bundle.NAME))
    with tarfile.open(DIST / f"{name}.tar.xz", "w:xz") as archive:
        archive.add(FOLDER, bundle.NAME)
    return DIST / f"{name}.tar.xz"


if __name__ == "__main__":
    main()
