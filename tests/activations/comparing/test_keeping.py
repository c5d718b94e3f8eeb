"""Comparisons on the disk: found again, gone on with where they were interrupted, and the same as in one go."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.activations.comparing.keeping import compare_images, comparison_folder
from clipdesk.activations.comparing.making import compare
from clipdesk.activations.comparing.manifests import (
    all_comparisons,
    delete_comparison,
    read_comparison_manifest,
    what_changed,
)
from clipdesk.activations.comparing.passing import Pass
from clipdesk.activations.comparing.planning import LayerPair, plan
from clipdesk.activations.comparing.storing import FIRST, SECOND, open_comparison
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import MANIFEST, alone, read_manifest, read_thumbnail
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models.names import Named
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.paths import comparisons_folder
from tests.activations.comparing.models import HIDDEN, other
from tests.activations.sets import random_set
from tests.clips import openais

IMAGES = random_set(400, 64, broken=[4])


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return openais()


@pytest.fixture
def models(clip: CLIP) -> tuple[OpenModel, OpenModel]:
    first = OpenModel.of(clip, name=Named("demo"), sha256="a" * 64)
    return first, OpenModel.of(other(clip), name=Named("demo-rn"), sha256="b" * 64)


def interrupt(models: tuple[OpenModel, OpenModel], *, match: bool = False) -> None:
    """Begin a comparison and stop after the first block."""
    with closing(compare_images(*models, IMAGES, [HIDDEN], match=match)) as passes:
        assert next(passes).done == 160


def steps(models: tuple[OpenModel, OpenModel], *, match: bool = False) -> list[int]:
    return [each.done for each in compare_images(*models, IMAGES, [HIDDEN], match=match)]


@pytest.mark.parametrize("match", [False, True])
def test_one_that_was_interrupted_goes_on_and_finds_the_same(
    models: tuple[OpenModel, OpenModel], match: bool, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    interrupt(models, match=match)
    assert all_comparisons() == []
    assert steps(models, match=match) == [320, 400, 400], "the first block is not read again"
    gone_on = compare(*models, IMAGES, layers=[HIDDEN], match=match)
    monkeypatch.setenv("CLIPDESK_DATA", str(data / "other"))
    whole = compare(*models, IMAGES, layers=[HIDDEN], match=match)
    layer, wanted = gone_on.layers[0], whole.layers[0]
    assert layer.drift == pytest.approx(wanted.drift, abs=1e-6)
    assert np.array_equal(layer.tops, wanted.tops)
    assert gone_on.cka == pytest.approx(whole.cka, abs=1e-6)
    assert [each.place for each in gone_on.left_out] == [each.place for each in whole.left_out]
    assert len(gone_on.first.pictures) == 399


def test_one_that_is_there_is_not_made_again(
    models: tuple[OpenModel, OpenModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compare(*models, IMAGES, layers=[HIDDEN])
    monkeypatch.setattr(Pass, "over", lambda *_: pytest.fail("the pictures are read again"))
    again = compare(*models, IMAGES, layers=[HIDDEN])
    assert again.layers[0].drift == pytest.approx(found.layers[0].drift)
    assert again.layers[0].weights is not None
    assert again.notes == found.notes
    ((path, manifest),) = all_comparisons()
    assert (manifest.models, manifest.pictures, manifest.left_out) == (("demo", "demo-rn"), 399, 1)
    assert read_thumbnail(path / FIRST, again.first.pictures[0].place) is not None
    assert sorted(each.name for each in path.iterdir()) == ["comparison.safetensors", "first", MANIFEST, "second"]


def test_what_is_compared_names_the_folder(models: tuple[OpenModel, OpenModel]) -> None:
    first, second = models
    pairs = plan(*models, [HIDDEN])
    asked: list[tuple[OpenModel, OpenModel, tuple[LayerPair, ...], Pooling]] = [
        (first, second, pairs, "mean"),
        (second, first, pairs, "mean"),
        (first, second, pairs, "max"),
        (first, second, plan(*models, [HIDDEN], match=True), "mean"),
        (first, second, plan(*models), "mean"),
    ]
    assert len({comparison_folder(a, b, IMAGES, layers, pooling) for a, b, layers, pooling in asked}) == len(asked)


def test_a_comparison_notes_the_files_of_models_that_are_read_otherwise(clip: CLIP, data: Path) -> None:
    path = data / "mine.pt"
    torch.save(clip.state_dict(), path)
    models = (open_model(path, "cpu"), open_model(f"{path}?gelu", "cpu"))
    compare(*models, IMAGES, layers=[HIDDEN])
    ((folder, manifest),) = all_comparisons()
    assert manifest.weights == (models[0].sha256, models[1].sha256)
    assert manifest.files == (models[0].sha256, models[0].sha256)
    assert "A and B have the same weights." not in manifest.notes
    assert [manifest.file for manifest in map(read_manifest, (folder / FIRST, folder / SECOND))] == [*manifest.files]
    os.utime(path)
    assert what_changed(manifest) == ["the images are not there"]
    path.write_bytes(path.read_bytes() + b"0")
    assert what_changed(manifest)[1:] == ["the file of A is another now", "the file of B is another now"]
    # One from before identities said how a file was read.
    (folder / MANIFEST).write_text(manifest.model_copy(update={"files": ("", "")}).model_dump_json())
    assert all_comparisons() == []


def test_a_damaged_checkpoint_begins_anew(models: tuple[OpenModel, OpenModel]) -> None:
    interrupt(models)
    (path,) = comparisons_folder().glob("*.partial/checkpoint-*/second/checkpoint")
    path.write_bytes(path.read_bytes()[:-100])
    assert steps(models) == [160, 320, 400, 400]
    assert len(compare(*models, IMAGES, layers=[HIDDEN]).first.pictures) == 399


def test_a_damaged_comparison_is_said_to_be_and_made_anew_where_it_has_no_manifest(
    models: tuple[OpenModel, OpenModel],
) -> None:
    compare(*models, IMAGES, layers=[HIDDEN])
    ((path, _),) = all_comparisons()
    whole = path.with_name("copy")
    shutil.copytree(path, whole)
    (whole / "comparison.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(UsageError, match="is damaged"):
        open_comparison(whole)
    (path / MANIFEST).unlink()
    with pytest.raises(UsageError, match="not a finished comparison"):
        read_comparison_manifest(path)
    assert steps(models)[-1] == 400
    assert path in [each for each, _ in all_comparisons()]


def test_networks_without_a_file_cannot_be_kept(clip: CLIP, models: tuple[OpenModel, OpenModel]) -> None:
    with pytest.raises(UsageError, match="opened from files"):
        next(compare_images(models[0], OpenModel.of(clip), IMAGES))


def test_a_comparison_is_deleted_unless_it_is_being_made(models: tuple[OpenModel, OpenModel]) -> None:
    compare(*models, IMAGES, layers=[HIDDEN])
    ((path, _),) = all_comparisons()
    with alone(path), pytest.raises(ClipDeskError, match="makes this comparison"):
        delete_comparison(path)
    delete_comparison(path)
    assert all_comparisons() == []
