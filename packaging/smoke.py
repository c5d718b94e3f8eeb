"""Use a built bundle like a user without Python: in another folder, with a bare environment.

Run ``python packaging/smoke.py [FOLDER]`` in the development environment; it prints a line for each check. It first
copies the bundle to a path with a space and letters that are not ASCII. It drives the window if there is a virtual
screen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bundle

sys.path.insert(0, str(bundle.ROOT))

from clipdesk.export.png import read_recipe
from tests.e2e import steps
from tests.e2e.desktop import missing_tools, open_desktop

PLACE = "Klip Désk ☆ 像"
_SECONDS = 600


class Smoke:
    """The checks, which run in the order of their definitions.

    Args:
        folder: The bundle.
        work: An empty folder, for a home and for pictures.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder = folder
        self.home = work / "home"
        self.work = work
        self.home.mkdir()
        self.program = next(p for name in bundle.PROGRAMS if (p := folder / name).is_file())

    def run(self, *arguments: str) -> str:
        """Run the program; returns its output.

        Raises:
            AssertionError: the program failed; the message contains its output.
        """
        done = subprocess.run(
            [str(self.program), *arguments],
            env=self._environment(),
            cwd=self.work,
            capture_output=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def _environment(self) -> dict[str, str]:
        needed = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP")  # without which nothing runs on Windows
        kept = {name: os.environ[name] for name in needed if name in os.environ and sys.platform == "win32"}
        if "OMP_NUM_THREADS" in os.environ:  # a busy machine asks for fewer threads
            kept["OMP_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
        return {"HOME": str(self.home), "USERPROFILE": str(self.home), "CLIPDESK_DATA": str(self.home / "data"), **kept}

    def version(self) -> None:
        """--version prints the version of the source."""
        assert bundle.version() in self.run("--version")

    def quickstart(self) -> None:
        """Quickstart renders a picture."""
        self.run("quickstart", "--output", "quick.png")
        assert read_recipe(self.work / "quick.png").steps > 0

    def resnet(self) -> None:
        """The other embedded models open and have layers."""
        for name in ("demo-rn", "photo", "photo-small"):
            assert "visual.layer4.0" in self.run("layers", "--model", name).splitlines()

    def batch(self) -> None:
        """A batch of three pictures is rendered, and skipped the second time."""
        command = (
            "batch",
            "--layer",
            steps.LAYER,
            "--neuron-range",
            "1",
            "4",
            "1",
            "--iterations",
            "5",
            "--output-dir",
            "batch",
        )
        self.run(*command)
        pictures = sorted((self.work / "batch").rglob("*.png"))
        assert len(pictures) == 3, pictures
        before = [path.stat().st_mtime_ns for path in pictures]
        self.run(*command)
        assert [path.stat().st_mtime_ns for path in pictures] == before

    def text(self) -> None:
        """A text can be rendered, so the vocabulary is there."""
        self.run("render", "--text", "a star", "--iterations", "3", "--output", "star.png")

    def spectrum(self) -> None:
        """A preset that reads a resource is rendered: maco's spectrum."""
        maco = ("--preset", "maco", "--size", "128", "--views", "2", "--iterations", "2")
        self.run("render", "--text", "a star", *maco, "--output", "maco.png")

    def exports(self) -> None:
        """Contact sheet, web page and animation are written."""
        self.run("sheet", "batch", "--output", "sheet.pdf")
        self.run("page", "batch")
        self.run("render", "--text", "a star", "--iterations", "3", "--animation", "mp4", "--output", "moving.png")
        assert (self.work / "sheet.pdf").is_file()
        assert (self.work / "batch" / "page.html").is_file()
        assert (self.work / "moving.mp4").is_file()

    def again(self) -> None:
        """A picture is rendered again from its recipe, identical in every pixel, and one of a batch to two levels."""
        assert self._differences(self.work / "star.png") == (0, 0)
        # Some CPUs round a transformer's products by the number of pictures in them (docs/settings.md).
        assert self._differences(sorted((self.work / "batch").rglob("*.png"))[0])[1] <= 2

    def _differences(self, picture: Path) -> tuple[int, int]:
        """Render a picture again: how many of its numbers become other ones, and by how many of 255 levels at most."""
        import numpy as np
        from PIL import Image

        self.run("render", "--from", str(picture), "--output", "again.png")
        first, again = (np.asarray(Image.open(path), int) for path in (picture, self.work / "again.png"))
        return int((first != again).sum()), int(abs(first - again).max())

    def no_display(self) -> None:
        """Without a display, and with one that does not answer, the program says so and fails."""
        if not sys.platform.startswith("linux"):
            return
        for variables, said in (({}, "there is no display"), ({"DISPLAY": ":987"}, "cannot be reached")):
            environment = {**self._environment(), **variables}
            done = subprocess.run([self.program], env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode, said in done.stderr) == (1, True), done

    def window(self) -> None:
        """The window saves a picture while the command line runs, which renders that picture again."""
        saved = self.work / "window.png"
        with open_desktop(self.home, program=[str(self.program)]) as desk:
            steps.choose_layer(desk)
            steps.drag_over_rows(desk)
            steps.set_iterations(desk, 12)
            desk.click(desk.wait_for("push button", "Add 4 to batch"))
            job = desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, done")
            desk.click(job)
            steps.save(desk, saved)
            self.run("queue", "list")  # a second instance, on the same queue
            desk.press("ctrl+q")
            assert desk.process.wait(60) == 0
        assert read_recipe(saved).steps == 12
        self.run("render", "--from", str(saved), "--output", "window-again.png")
        assert read_recipe(self.work / "window-again.png").settings == read_recipe(saved).settings

    def two_windows(self) -> None:
        """A second window opens beside the first, and both close."""
        with open_desktop(self.home, program=[str(self.program)]) as desk:
            desk.wait_for("tree", "Architecture")
            second = desk.start_another()
            try:
                desk.until(lambda: desk.windows() == 2, "the second window")
            finally:
                second.terminate()
                second.wait(60)
            assert desk.process.poll() is None

    def whole(self) -> None:
        """Licences and icons are there, and each library of torch and OpenMP only once."""
        licences = next(self.folder.rglob("LICENCES.txt")).read_text(encoding="utf-8")
        assert all(
            f"\n{package}\n" in licences for package in ("clip-anytorch", "numpy", "torch", "PySide6_Essentials")
        )
        files = [path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        for start in ("libtorch_cpu", "torch_cpu", "libQt6Core", "Qt6Core", "libgomp", "libiomp5", "libomp"):
            found = [path for path in files if path.name.startswith(start)]
            assert len(found) <= 1, found
        assert any(path.name == "bpe_simple_vocab_16e6.txt.gz" for path in files)


def main() -> None:
    """Run all checks; the exit code is 0 if all hold."""
    parser = argparse.ArgumentParser(description="Use a built bundle.")
    parser.add_argument("folder", nargs="?", type=Path, default=bundle.ROOT / "dist" / bundle.NAME)
    folder: Path = parser.parse_args().folder
    build = bundle.ROOT / "build"
    build.mkdir(exist_ok=True)
    # On the same disk, so that links can replace copies.
    with tempfile.TemporaryDirectory(prefix="smoke-", dir=build) as work:
        place = Path(work) / PLACE / folder.name
        # Links take neither time nor space; on a disk without links, the files are copied.
        shutil.copytree(folder, place, symlinks=True, copy_function=_link)
        before = listing(place)
        smoke = Smoke(place, Path(work))
        checks = [smoke.whole, smoke.version, smoke.quickstart, smoke.resnet, smoke.batch, smoke.text, smoke.spectrum]
        checks += [smoke.exports, smoke.again, smoke.no_display]
        missing = missing_tools()
        checks += [smoke.window, smoke.two_windows] if not missing else []
        good = [_told(check) for check in checks]
        if missing:
            print(f"skipped  the window: {missing}")
        good.append(_told(lambda: _unchanged(before, listing(place)), "nothing was written beside the program"))
    sys.exit(0 if all(good) else 1)


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of all files in a folder."""
    return {str(path): (s.st_size, s.st_mtime_ns) for path in folder.rglob("*") if (s := path.lstat())}


def _unchanged(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> None:
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert not changed, changed


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _told(check: Callable[[], None], name: str = "") -> bool:
    what = name or (check.__doc__ or check.__name__).splitlines()[0]
    started = time.monotonic()
    try:
        check()
    except Exception as error:
        print(f"FAILED   {time.monotonic() - started:5.1f} s  {what}\n{type(error).__name__}: {error}", flush=True)
        return False
    print(f"ok       {time.monotonic() - started:5.1f} s  {what}", flush=True)
    return True


if __name__ == "__main__":
    main()
