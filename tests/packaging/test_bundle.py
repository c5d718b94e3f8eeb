"""The contents of a bundle. packaging/build.py and packaging/smoke.py test the real build."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

import build
import bundle
import clipdesk
from clipdesk.links import SCHEME

PACKAGING = bundle.ROOT / "packaging"


def test_the_version_is_found_without_importing() -> None:
    assert bundle.version() == clipdesk.__version__


def test_an_app_is_sealed_after_the_last_file_is_added_and_then_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, app = tmp_path / bundle.NAME, tmp_path / f"{bundle.NAME}.app"
    inside = app / "Contents" / "Resources"
    inside.mkdir(parents=True)
    folder.mkdir()
    sealed: list[tuple[str, list[str]]] = []

    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        if command[0] == "codesign":
            sealed.append((command[1], sorted(path.name for path in inside.iterdir())))
        return subprocess.CompletedProcess(command, 0, stdout="")

    for module, name, value in (
        (build, "DIST", tmp_path),
        (build, "FOLDER", folder),
        (sys, "platform", "darwin"),
        (subprocess, "run", run),
        (build, "_licences", lambda: "all"),
    ):
        monkeypatch.setattr(module, name, value)
    build._finish(bundle.CPU)
    files = ["LICENCES.txt", "licences"]
    assert sealed == [("--force", files), ("--verify", files)]
    assert sorted(path.name for path in inside.iterdir()) == files


def test_the_least_macos_is_the_same_everywhere() -> None:
    major = bundle.LEAST_MACOS.partition(".")[0]
    assert f"macOS {major} or newer" in (bundle.ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert "bundle.LEAST_MACOS" in (PACKAGING / "clipdesk.spec").read_text(encoding="utf-8")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the workflow runs it on Linux")
def test_the_sums_of_a_release_name_files_that_lie_beside_them(tmp_path: Path) -> None:
    """The step of the workflow, as it is."""
    text = (bundle.ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    step = text[text.index("rm -rf files/site") : text.index("- env:")]
    for name in ("ubuntu-cpu/a.tar.xz", "macos-cpu/b.zip", "site/index.html"):
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_text(name)
    lines = [line.strip() for line in step.splitlines()]
    subprocess.run(["bash", "-e", "-c", "\n".join(lines)], cwd=tmp_path, check=True)
    flat = tmp_path / "flat"
    assert sorted(path.name for path in flat.iterdir()) == ["SHA256SUMS", "a.tar.xz", "b.zip"]
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=flat, check=True)


def test_a_source_without_a_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clipdesk").mkdir()
    (tmp_path / "clipdesk" / "version.py").write_text("version = 1\n")
    with pytest.raises(ValueError, match="__version__"):
        bundle.version(tmp_path)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0.1.0", (0, 1, 0, 0)), ("2.3rc1", (2, 3, 1, 0)), ("7", (7, 0, 0, 0)), ("1.2.3.4", (1, 2, 3, 0))],
)
def test_a_windows_version_has_four_numbers(text: str, numbers: tuple[int, int, int, int]) -> None:
    assert bundle.version_numbers(text) == numbers


@pytest.mark.parametrize(
    "path",
    [
        "torch/test/test_jit",
        "torch/bin/protoc",
        "torch\\include\\ATen\\ATen.h",
        "torch/lib/c10.lib",
        "PySide6/Qt/translations/qt_de.qm",
        "PySide6/translations/qtbase_de.qm",
        "PySide6/Qt/lib/libQt6Quick.so.6",
        "PySide6/Qt6Quick.dll",
        "PySide6/Qt/plugins/platforms/libqeglfs.so",
        "PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboardplugin.so",
    ],
)
def test_unreachable_files_are_left_out(path: str) -> None:
    assert bundle.trim_of(path)


@pytest.mark.parametrize(
    "path",
    [
        "torch/bin/torch_shm_manager",
        "torch/lib/libtorch_cpu.so",
        "torch/lib/libtorch_cuda.so",
        "torch/jit/_script.py",
        "nvidia/cudnn/lib/libcudnn.so.9",
        "PySide6/Qt/lib/libQt6Core.so.6",
        "PySide6/Qt/lib/libQt6OpenGLWidgets.so.6",
        "PySide6/Qt/lib/libQt6Svg.so.6",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/Qt/plugins/imageformats/libqjpeg.so",
        "PySide6/plugins/platforms/qwindows.dll",
        "clip/bpe_simple_vocab_16e6.txt.gz",
        "clipdesk/resources/models/demo.pt",
        "fonticon_mdi7/fonts/materialdesignicons-webfont.ttf",
    ],
)
def test_needed_files_are_packed(path: str) -> None:
    assert bundle.trim_of(path) is None


def test_savings_are_counted_by_reason(tmp_path: Path) -> None:
    (tmp_path / "header").write_bytes(b"0" * 70)
    source = str(tmp_path / "header")
    places = ("torch/include/a.h", "torch/include/b.h", "torch/lib/libtorch.so")
    kept, saved = bundle.sort_out(bundle.Entry(place, source, "DATA") for place in places)
    assert [entry.place for entry in kept] == ["torch/lib/libtorch.so"]
    assert [(trim.reason, size) for trim, size in saved.items()] == [("headers, for compiling extensions", 140)]


def test_a_folders_size_counts_links_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"0" * 100)
    os.link(tmp_path / "one", tmp_path / "two")
    assert bundle.folder_size(tmp_path) == 100


def test_the_size_of_a_module_is_that_of_its_files(tmp_path: Path) -> None:
    package = tmp_path / "big" / "part"
    package.mkdir(parents=True)
    (package / "code.py").write_bytes(b"0" * 30)
    (tmp_path / "big" / "QtTest.abi3.so").write_bytes(b"0" * 7)
    sizes = [bundle.module_size(name, [tmp_path]) for name in ("big.part", "big", "big.QtTest", "absent")]
    assert sizes == [30, 37, 7, 0]


def test_every_module_that_a_render_imports_is_packed() -> None:
    """Qt's tests and the like may be left out of the bundle as long as no command and no panel imports them."""
    program = (
        "import pkgutil, sys, importlib, clipdesk\n"
        f"sys.modules.update(dict.fromkeys({list(bundle.EXCLUDED_MODULES)!r}))\n"
        "from clipdesk.models.loading import load_model\n"
        "from clipdesk import FeatureVisualizer\n"
        "FeatureVisualizer(load_model('demo', 'cpu')).generate('\"a star\"', 'draft', iterations=2)\n"
        "for module in pkgutil.walk_packages(clipdesk.__path__, 'clipdesk.'):\n"
        # SAELens is an extra, and in no bundle.
        "    if not any(each in module.name for each in ('.demo', '__main__', '.saelens')):\n"
        "        importlib.import_module(module.name)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, cwd=bundle.ROOT)


def test_every_icon_is_there_and_of_its_size() -> None:
    for side in bundle.ICON_SIDES:
        with Image.open(PACKAGING / "icons" / f"clipdesk-{side}.png") as picture:
            assert picture.size == (side, side)
    with Image.open(PACKAGING / "icons" / "clipdesk.ico") as picture:
        assert {(16, 16), (32, 32), (256, 256)} <= picture.info["sizes"]
    with Image.open(PACKAGING / "icons" / "clipdesk.icns") as picture:
        assert (512, 512, 1) in picture.info["sizes"]


def test_desktop_files_name_the_same_program() -> None:
    linux = PACKAGING / "linux"
    metainfo = ElementTree.parse(linux / f"{bundle.IDENTIFIER}.metainfo.xml").getroot()
    assert metainfo.findtext("id") == bundle.IDENTIFIER
    assert metainfo.findtext("launchable") == f"{bundle.IDENTIFIER}.desktop"
    entry = (linux / f"{bundle.IDENTIFIER}.desktop").read_text(encoding="utf-8")
    assert re.search(rf"^Icon={re.escape(bundle.IDENTIFIER)}$", entry, re.MULTILINE)
    assert f'"{bundle.IDENTIFIER}"' in (bundle.ROOT / "clipdesk" / "gui" / "app.py").read_text(encoding="utf-8")


def test_each_system_is_told_of_links() -> None:
    assert bundle.SCHEME == SCHEME
    entry = (PACKAGING / "linux" / f"{bundle.IDENTIFIER}.desktop").read_text(encoding="utf-8")
    assert re.search(r"^Exec=clipdesk %u$", entry, re.MULTILINE)
    assert re.search(rf"^MimeType=x-scheme-handler/{SCHEME};$", entry, re.MULTILINE)
    spec = (PACKAGING / "clipdesk.spec").read_text(encoding="utf-8")
    assert '"CFBundleURLSchemes": [bundle.SCHEME]' in spec
    installer = (PACKAGING / "windows" / "clipdesk.iss").read_text(encoding="utf-8")
    key = rf'Root: HKA; Subkey: "Software\\Classes\\{SCHEME}'
    assert re.search(key + r'"; ValueType: string; ValueName: "URL Protocol"', installer)
    # The link is one argument, in quotes.
    command = re.search(key + r'\\shell\\open\\command";.* ValueData: (".*")$', installer, re.MULTILINE)
    assert command is not None
    assert command[1] == '"""{app}\\ClipDesk.exe"" ""%1"""'


def test_the_version_is_in_one_file_only() -> None:
    for path in [PACKAGING / "clipdesk.spec", *PACKAGING.rglob("*.xml"), *PACKAGING.rglob("*.desktop")]:
        assert clipdesk.__version__ not in path.read_text(encoding="utf-8").replace('"1.0"', ""), path
