from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from clip.model import CLIP
from numpy.typing import NDArray
from typing_extensions import override

from benchmarks.quality.__main__ import answer, spread
from benchmarks.quality.answers import measure, place_of
from benchmarks.quality.methods import Method, Preset
from benchmarks.quality.questions import text_questions
from benchmarks.quality.report import print_table, write_report
from clipdesk.render.presets import DEFAULT_PRESET
from clipdesk.render.targets import Target
from clipdesk.scenes.dataset import Kind, draw_scenes


class Grey(Method):
    name, recipe = "grey", "grey"

    @override
    def render(self, model: CLIP, targets: Sequence[Target], seed: int) -> NDArray[np.uint8]:
        return np.full((len(targets), 128, 128, 3), 100 + seed, np.uint8)


def test_questions_are_spread_evenly() -> None:
    asked = text_questions()
    assert [place for place, _ in spread(asked[:16], 4)] == [0, 5, 10, 15]
    assert len(spread(asked[:4], 100)) == 4


def test_pictures_are_kept_measured_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked, scenes = text_questions(), draw_scenes(100, 5, Kind.SEEN, processes=1)
    shapes = [question.target for question in asked if question.kind == "shape"]
    some = spread(shapes, 2)
    grey, draft = Grey(), Preset("draft", iterations=2, device="cpu")
    places = {method.name: place_of(tmp_path, "demo", method) for method in (grey, draft)}
    for seed in (0, 1):
        answer("demo", grey, "shape", some, seed, places["grey"])
    answer("demo", draft, "shape", some, 0, places[draft.name])
    before = (places[draft.name] / "shape-0.npz").stat().st_mtime_ns
    answer("demo", draft, "shape", some, 0, places[draft.name])
    assert (places[draft.name] / "shape-0.npz").stat().st_mtime_ns == before, "not rendered again"
    found = measure("demo", "demo-rn", asked, [grey, draft], tmp_path, scenes)
    assert [(one.method, one.count, one.seeds) for one in found] == [
        ("grey", 4, 2),
        ("draft iterations=2 device=cpu", 2, 1),
    ]
    assert found[0].chance == pytest.approx(1 / 16)
    assert found[0].shares.keys() == {0, 15}
    assert found[0].lowest == min(found[0].recovery.values())
    assert set(found[0].recovery) == {"plain", "separable", "foreign"}
    print_table(found)
    assert "grey" in capsys.readouterr().out
    (tmp_path / "docs").mkdir()
    report = tmp_path / "docs" / "quality.md"
    report.write_text("# Old\n\n## `plain`\n\nOf another day.\n\n## `demo`\n\n| grey | 3 |\n", "utf-8")
    write_report(found, scenes, report)
    text = report.read_text("utf-8")
    assert "| grey | 4 |" in text
    assert "| grey | 3 |" not in text
    assert f"Weights {found[0].weights}; the other model, for the transfer, demo-rn-" in text
    assert text.count("## `plain`\n\nOf another day.\n") == 1
    assert "# Old" not in text
    write_report(found, scenes, report)
    assert report.read_text("utf-8") == text
    assert (tmp_path / "docs" / "images" / "quality-demo-shape.webp").exists()


def test_other_weights_or_another_recipe_have_another_folder(tmp_path: Path) -> None:
    ways = [Preset("draft"), Preset("draft", flatness=3), Preset("standard")]
    places = {place_of(tmp_path, model, way) for model in ("demo", "demo-rn") for way in ways}
    assert len(places) == 6
    assert place_of(tmp_path, "demo", Preset("draft")) in places


def test_methods_are_compared_with_the_default_on_common_questions(tmp_path: Path) -> None:
    asked, scenes = text_questions(), draw_scenes(100, 5, Kind.SEEN, processes=1)
    shapes = [question.target for question in asked if question.kind == "shape"]
    grey, default = Grey(), Grey()
    default.name = DEFAULT_PRESET
    for method, most in ((grey, 2), (default, 3)):
        answer("demo", method, "shape", spread(shapes, most), 0, place_of(tmp_path, "demo", method))
    found = measure("demo", "demo-rn", asked, [grey, default], tmp_path, scenes)
    (tmp_path / "docs").mkdir()
    write_report(found, scenes, tmp_path / "docs" / "quality.md")
    rows = [line for line in (tmp_path / "docs" / "quality.md").read_text("utf-8").splitlines() if "| grey |" in line]
    # Both recover the same two pictures equally well.
    assert rows[0].split("|")[2].strip() == "2"
    assert rows[0].split("|")[3] == rows[0].split("|")[4]
