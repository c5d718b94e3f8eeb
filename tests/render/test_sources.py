"""Files are read once, and known by the bytes that were decoded."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clip.model import CLIP
from numpy.typing import NDArray
from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.network.inspector import LayerInspector
from clipdesk.render import objectives, sources
from clipdesk.render.cost import measure_cost
from clipdesk.render.expressions import parse_target
from clipdesk.render.loop import render
from clipdesk.render.maco import scene_magnitudes
from clipdesk.render.objectives import resolve
from clipdesk.render.presets import make_settings
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Target, Term


def save_noise(path: Path, seed: int = 0, side: int = 40) -> None:
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(path)


def count_calls(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[object]:
    calls: list[object] = []
    original: Callable[..., Any] = getattr(owner, name)

    def counted(*args: object, **kwargs: object) -> object:
        calls.append(args[0])
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_one_render_reads_each_file_once_and_checks_each_term_once(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, name in enumerate(("target.png", "start.png")):
        save_noise(tmp_path / name, seed)
    star, image = parse_target('"a star"'), parse_target(f'image:[{tmp_path}/target.png] - 0.5*"a circle"')
    settings = make_settings(
        "draft", iterations=4, stages=2, views=2, grid=2, diversity=1.0, start=str(tmp_path / "start.png"), device="cpu"
    )
    opened = count_calls(monkeypatch, Image, "open")
    read = count_calls(monkeypatch, sources, "read_bytes")
    checked = count_calls(monkeypatch, objectives, "check_layer")
    list(render(vit, [star, image, image, star], settings))
    assert len(opened) == 2
    assert sorted(map(str, read)) == [str(tmp_path / "start.png"), str(tmp_path / "target.png")]
    assert [term.label for term in checked if isinstance(term, Term)] == [
        '"a star"',
        "image:[target.png]",
        '"a circle"',
    ]


def test_resolved_targets_are_not_read_or_checked_again(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_noise(tmp_path / "a.png")
    inspector, files = LayerInspector(vit), Sources()
    sound, failed = resolve([parse_target(f"image:[{tmp_path}/a.png]")], inspector, files)
    assert not failed
    opened = count_calls(monkeypatch, Image, "open")
    checked = count_calls(monkeypatch, objectives, "check_layer")
    settings = make_settings(iterations=1, device="cpu", start=str(tmp_path / "a.png"))
    for _ in range(2):
        list(render(vit, sound, settings, inspector=inspector, sources=files))
    assert not opened
    assert not checked


def test_measuring_a_cost_reads_a_spectrum_once(vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "own.npy", scene_magnitudes().numpy())
    read = count_calls(monkeypatch, sources, "read_bytes")
    measure_cost(vit, make_settings("maco", spectrum=str(tmp_path / "own.npy"), device="cpu"), LayerInspector(vit))
    assert len(read) == 1


def test_failures_carry_their_reason_and_leave_the_others(vit: CLIP, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no")
    targets: list[Target] = [
        parse_target(text) for text in ("visual.conv1:3", "visual.conv1:999", f"image:[{tmp_path}/no.png]", '"a star"')
    ]
    sound, failed = resolve(targets, LayerInspector(vit), Sources())
    assert [each.target for each in sound] == [targets[0], targets[3]]
    assert [(info.name, term.weight) for each in sound for term, info in each.terms] == [
        ("visual.conv1", 1.0),
        ("visual", 1.0),
    ]
    assert [target for target, _ in failed] == targets[1:3]
    assert "no channel 999" in str(failed[0][1])
    assert "is not an image" in str(failed[1][1])


def test_the_checksum_is_that_of_the_bytes_that_were_decoded(tmp_path: Path) -> None:
    files, path = Sources(), tmp_path / "a.png"
    save_noise(path)
    first, data = files.square(str(path), 8), path.read_bytes()
    save_noise(path, seed=1)
    assert files.square(str(path), 8).equal(first)
    assert files.sha256 == {str(path): sha256(data).hexdigest()}
    np.save(tmp_path / "own.npy", scene_magnitudes().numpy())
    found: NDArray[np.float32] = files.magnitudes(str(tmp_path / "own.npy"))
    assert found.shape == (3, 128, 65)
    assert files.sha256[str(tmp_path / "own.npy")] == sha256((tmp_path / "own.npy").read_bytes()).hexdigest()


def test_large_images_are_not_all_kept_and_a_changed_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_KEPT", 2_000)
    files, path = Sources(), tmp_path / "a.png"
    save_noise(path)
    save_noise(tmp_path / "b.png", 1)
    first = files.square(str(path), 8)
    files.image(str(tmp_path / "b.png"))
    save_noise(path, seed=2)
    assert files.square(str(path), 8).equal(first), "a small square is kept"
    with pytest.raises(UsageError, match="has changed while it was in use"):
        files.image(str(path))
