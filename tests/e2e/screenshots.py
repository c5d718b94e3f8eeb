"""Screenshots for the documentation, taken of the real program: ``make screenshots``.

Each shows one state; look at every one at full size before it is committed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.e2e.desktop import SIZE, Desktop, missing_tools, open_desktop

_LAYER = "block 5 hidden gelu"
_NEURONS = "173,189,229,480,513,556,590,749"
_RENDERED = "5.mlp.gelu:173 and 7 more"
_WALL = "3.mlp.gelu"
_LATE = 8
"""Seconds before the end, when the pictures show something."""
_PATIENCE = 900.0
"""Seconds that eight pictures may take on a busy machine."""
_LEFT = 12
"""Units of two models whose pictures are not rendered yet, of 24."""
_BROKEN = Path(tempfile.gettempdir()) / "broken.pt"
"""Its name is seen in the picture."""


def main() -> None:
    """Take all of them into the folder that is named on the command line."""
    folder = Path(sys.argv[1])
    if missing := missing_tools():
        sys.exit(f"Screenshots need more on this machine: {missing}")
    folder.mkdir(parents=True, exist_ok=True)
    _take(folder / "empty.webp", _wait_for_model)
    _take(folder / "running.webp", _run)
    _take(folder / "dark.webp", _finish, theme="dark")
    _take(folder / "running-2x.webp", _run, scale=2)
    _take(folder / "error.webp", _err)
    _take(folder / "wall.webp", _hang)
    _take(folder / "unit-2x.webp", _understand, scale=2)
    _take(folder / "unit-small.webp", _understand, theme="dark", size=(1280, 720))
    _take(folder / "find.webp", _search, theme="dark")
    _take(folder / "compared.webp", _compare)
    _take(folder / "compared-small.webp", _compare, theme="dark", size=(1280, 720))


def _take(
    path: Path,
    prepare: Callable[[Desktop], None],
    theme: str = "light",
    scale: float = 1,
    size: tuple[int, int] = SIZE,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        settings = home / ".config" / "ClipDesk" / "ClipDesk.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text(f"[General]\ntheme={theme}\n", encoding="utf-8")
        with open_desktop(home, scale=scale, size=size) as desk:
            prepare(desk)
            desk.window_picture().save(path, quality=88, method=6)
    print(path, flush=True)


def _wait_for_model(desk: Desktop) -> None:
    desk.wait_for("push button", "Render a first neuron")
    desk.settle()


def _choose(desk: Desktop, neurons: str) -> None:
    tree = desk.wait_for("tree", "Architecture")
    desk.replace(desk.wait_for("text", "Filter layers"), _LAYER)
    desk.click(desk.wait_for("tree item", "MLP hidden", within=tree))
    desk.click(desk.wait_for("text", "Filter layers"))
    desk.press("ctrl+a", "Delete")
    desk.click(desk.wait_for("text", "Range of neurons"))
    desk.type(neurons)


def _run(desk: Desktop) -> None:
    _choose(desk, _NEURONS)
    desk.press("ctrl+r")
    shown = f"{_RENDERED}: "

    def nearly_done() -> bool:
        found = desk.find("label", shown)
        left = re.match(r"(\d+) s left", found.name.removeprefix(shown)) if found is not None else None
        return left is not None and int(left[1]) <= _LATE

    desk.until(nearly_done, shown, _PATIENCE)


def _finish(desk: Desktop) -> None:
    """A finished run, and its pictures in the gallery, one of them chosen."""
    _choose(desk, _NEURONS)
    desk.replace(desk.wait_for("spin box", "Iterations"), "240")
    desk.press("Tab", "ctrl+r")
    desk.until(lambda: desk.find("list item", f"{_RENDERED}, done") is not None, "the pictures", _PATIENCE)
    desk.press("alt+6")
    desk.settle()
    gallery = desk.wait_for("list", "Finished pictures")
    desk.click(desk.wait_for("list item", "5.mlp.gelu:749", within=gallery))
    desk.settle()


def _hang(desk: Desktop) -> None:
    """The wall in the order of similarity, of a layer that was surveyed, with some units selected."""
    command = [sys.executable, "-m", "clipdesk", "survey", "scenes:2000", "--model", "demo", "--layers", _WALL]
    subprocess.run(
        command, env={**os.environ, "CLIPDESK_DATA": str(desk.home / "data")}, check=True, capture_output=True
    )
    tree = desk.wait_for("tree", "Architecture")
    desk.replace(desk.wait_for("text", "Filter layers"), "block 3 hidden gelu")
    desk.click(desk.wait_for("tree item", "MLP hidden", within=tree))
    desk.press("alt+9")
    desk.until(lambda: "density" in getattr(desk.find("label", "Unit 0"), "name", ""), "the survey", _PATIENCE)
    # On Linux, Qt names a combo box after what it shows.
    desk.click(desk.wait_for("combo box", "Index"))
    desk.press("Down", "Return")
    desk.until(lambda: desk.find("label", "Unit 0") is not None, "the map", _PATIENCE)
    desk.press("alt+9", "Right", "shift+Down", "shift+Right", "shift+Right")
    # Photos come in pieces.
    desk.settle(looks=10)


def _survey(desk: Desktop) -> None:
    """A survey that the window finds when its answers are asked for."""
    command = [sys.executable, "-m", "clipdesk", "survey", "scenes:5000", "--model", "demo"]
    subprocess.run(
        command, env={**os.environ, "CLIPDESK_DATA": str(desk.home / "data")}, check=True, capture_output=True
    )


def _search(desk: Desktop) -> None:
    """The units that answer to a sentence."""
    _survey(desk)
    desk.press("ctrl+f")
    desk.type("a striped thing")
    desk.press("Return")
    desk.wait_for("list item", "", within=desk.wait_for("list", "Found units"))
    desk.settle(looks=10)


def _understand(desk: Desktop) -> None:
    """The page of a unit that was found, with its picture."""
    _survey(desk)
    desk.press("ctrl+f")
    desk.type("a heart")
    desk.press("Return")
    desk.wait_for("list item", "", within=desk.wait_for("list", "Found units"))
    desk.press("Return")
    desk.wait_for("list item", "", within=desk.wait_for("list", "Pictures of the unit"))
    desk.press("ctrl+alt+r")
    desk.until(lambda: desk.find("label", "The rendered picture") is not None, "the picture", _PATIENCE)
    desk.settle(looks=10)


def _compare(desk: Desktop) -> None:
    """The wall of two models, with pictures of the units that differ most."""
    command = [sys.executable, "-m", "clipdesk", "compare", "demo", "demo-rn", "--images", "scenes:1000"]
    subprocess.run(
        command, env={**os.environ, "CLIPDESK_DATA": str(desk.home / "data")}, check=True, capture_output=True
    )
    desk.replace(desk.wait_for("spin box", "Iterations"), "100")
    desk.press("Tab")
    desk.click(desk.wait_for("page tab", "Two models"))
    # On Linux, Qt names a bar of tabs after the one in front.
    desk.until(lambda: desk.find("page tab list", "Units") is not None, "the comparison", _PATIENCE)
    desk.click(desk.wait_for("page tab", "Wall", within=desk.wait_for("page tab list", "Units")))
    desk.wait_for("label", "Rendering, ")

    def some_rendered() -> bool:
        found = desk.find("label", "Rendering, ")
        left = None if found is None else re.search(r"\d+", found.name)
        return left is None or int(left[0]) <= _LEFT

    desk.until(some_rendered, "the pictures", _PATIENCE)
    desk.settle()


def _err(desk: Desktop) -> None:
    """A checkpoint that is none, a range that is wrong, a value out of range."""
    _choose(desk, "0:9000")
    desk.replace(desk.wait_for("spin box", "Iterations"), "9000")
    desk.press("Tab", "ctrl+o")
    _BROKEN.write_bytes(b"not a checkpoint")
    desk.replace(desk.wait_for("text", "File name"), str(_BROKEN))
    desk.press("Return")
    desk.wait_for("push button", "Copy details")
    desk.settle()
    _BROKEN.unlink()


if __name__ == "__main__":
    main()
