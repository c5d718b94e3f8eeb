import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL.PngImagePlugin import PngImageFile

from clipdesk.errors import UsageError
from clipdesk.export.folder import from_pictures
from clipdesk.export.png import save_png
from clipdesk.render.targets import Target, Text, Unit
from tests.recipes import make_recipe

PIXELS = np.zeros((32, 32, 3), dtype=np.uint8)


def test_order_and_progress(tmp_path: Path) -> None:
    targets: dict[str, Target] = {
        "a": Unit(layer="b", index=10),
        "b": Unit(layer="b", index=9),
        "c": Unit(layer="a", index=99),
        "d": Text(text="z"),
    }
    for name, target in targets.items():
        save_png(PIXELS, tmp_path / f"{name}.png", make_recipe(target))
    (tmp_path / "e.png").write_text("hello")
    seen: list[tuple[int, int]] = []
    found = from_pictures(tmp_path, lambda path, picture: path.stem, lambda done, all: seen.append((done, all)))
    assert found == ["d", "c", "b", "a"]
    assert seen == [(done, 5) for done in range(1, 6)]


def test_an_error_from_take_reaches_the_caller(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", make_recipe())

    def fail(path: Path, _picture: object) -> None:
        raise UsageError(f"not {path.name}")

    with pytest.raises(UsageError, match=r"not a\.png"):
        from_pictures(tmp_path, fail)


def test_large_pictures_are_worked_on_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(12):
        save_png(PIXELS, tmp_path / f"{i}.png", make_recipe(Unit(layer="a", index=i)))
    monkeypatch.setattr("clipdesk.export.folder._LARGE_PIXELS", PIXELS.shape[0] * PIXELS.shape[1] - 1)
    lock, held, most = threading.Lock(), 0, 0

    def take(_path: Path, _picture: object) -> None:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        time.sleep(0.02)
        with lock:
            held -= 1

    assert len(from_pictures(tmp_path, take)) == 12
    assert most == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
def test_bad_files_do_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_png(PIXELS, tmp_path / "good.png", make_recipe())
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name, error in (("a", RuntimeError), ("b", MemoryError), ("c", RecursionError)):
        save_png(PIXELS, tmp_path / f"{name}.png", make_recipe())
        monkeypatch.setitem(_RAISED, str(tmp_path / f"{name}.png"), error)
    original = PngImageFile.load

    def load(self: PngImageFile) -> object:
        if (error := _RAISED.get(str(self.filename))) is not None:
            raise error("first\nsecond")
        return original(self)

    monkeypatch.setattr(PngImageFile, "load", load)
    assert from_pictures(tmp_path, lambda path, _: path.stem) == ["good"]


_RAISED: dict[str, type[Exception]] = {}


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 2_500, "a\0b"])
def test_an_impossible_folder_is_not_there(name: str) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        from_pictures(Path(name), lambda path, _: path)
