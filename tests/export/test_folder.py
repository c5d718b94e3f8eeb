from pathlib import Path

import numpy as np
import pytest

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
