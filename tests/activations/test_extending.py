"""Surveys of sets that have grown: only what is new is read, and the result is that of one pass."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from clipdesk.activations.choosing import surveys_of, what_changed
from clipdesk.activations.comparing.results import notes_of
from clipdesk.activations.measuring import check_comparable
from clipdesk.activations.scan import new_state, scan
from clipdesk.activations.storing import (
    MANIFEST,
    all_surveys,
    delete_survey,
    open_survey,
    read_manifest,
    read_thumbnail,
)
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import SurveyProgress, survey_images
from clipdesk.errors import UsageError
from clipdesk.imagesets.folders import FileSet
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from tests.activations.sets import random_set

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
COUNT = 150


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


@pytest.fixture
def opened(checkpoint: Path) -> OpenModel:
    return open_model(checkpoint, "cpu")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The places of the pictures that are decoded."""
    found: list[str] = []
    original = FileSet.read

    def noted(images: FileSet, index: int, side: int = 0) -> object:
        found.append(images.pictures[index].place)
        return original(images, index, side)

    monkeypatch.setattr(FileSet, "read", noted)
    return found


def save(folder: Path, numbers: range) -> None:
    images = random_set(COUNT, 40)
    for number in numbers:
        path = folder / ("cats", "dogs")[number % 2] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images.pixels[number]).save(path)


def survey_of(opened: OpenModel, folder: Path, block: int = 16) -> tuple[list[SurveyProgress], Survey, Path]:
    steps = list(survey_images(opened, open_image_set(folder), [LAYER], block=block))
    end = steps[-1].folder
    assert end is not None
    return steps, open_survey(end), end


def check_same(one: Survey, other: Survey) -> None:
    assert [each.id for each in one.pictures] == [each.id for each in other.pictures]
    assert np.array_equal(one.sample, other.sample)
    assert_allclose(one.embeddings.rows, other.embeddings.rows, atol=1e-3)
    assert_allclose(one.embeddings.mean, other.embeddings.mean, rtol=1e-6)
    assert_allclose(one.embeddings.scatter, other.embeddings.scatter, rtol=1e-5, atol=1e-6)
    for key, found in one.statistics.items():
        again = other.statistics[key]
        size = np.abs(again.most).max()
        assert found.count == again.count == len(one.pictures)
        for name in ("means", "squares", "least", "most", "cross"):
            assert_allclose(getattr(found, name), getattr(again, name), rtol=1e-4, atol=1e-5 * size)
        assert_allclose(found.sample, again.sample, rtol=2e-3, atol=1e-3 * size)
        for ends, others in ((found.top, again.top), (found.bottom, again.bottom)):
            assert_allclose(ends.values, others.values, rtol=1e-4, atol=1e-5 * size)
            assert (ends.pictures == others.pictures).mean() > 0.99
            assert (ends.positions == others.positions).mean() > 0.99
        assert np.array_equal(found.histogram.counts.sum(axis=1), again.histogram.counts.sum(axis=1))
        assert (
            np.abs(found.histogram.counts.astype(int) - again.histogram.counts.astype(int)).sum() < 0.01 * COUNT * size
        )


@pytest.mark.parametrize("first", [range(40, 150), range(0, 120), range(0, 150, 2)])
def test_only_new_pictures_are_read_and_the_survey_is_that_of_one_pass(
    opened: OpenModel, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch, first: range
) -> None:
    folder = tmp_path / "photos"
    save(folder, range(2))
    save(folder, first)
    _, early, earlier = survey_of(opened, folder)
    save(folder, range(COUNT))
    before = {each.place for each in early.pictures}
    read.clear()
    steps, grown, path = survey_of(opened, folder)
    assert len(read) == COUNT - len(before)
    assert not before & set(read)
    said = f"{len(before)} of 150 pictures are known already, from {earlier.name}"
    assert [each.remark for each in steps if each.remark] == [said]
    done = [each.done for each in steps if each.done]
    assert done == sorted(done)
    assert done[0] == len(before)
    assert all(read_thumbnail(path, each.place) for each in grown.pictures)
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "other"))
    check_same(grown, survey_of(opened, folder)[1])


def test_a_set_that_grows_twice_and_by_a_part_that_is_interrupted(
    opened: OpenModel, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    for count in (50, 90):
        save(folder, range(count))
        survey_of(opened, folder)
    save(folder, range(COUNT))
    read.clear()
    broken_off = survey_images(opened, open_image_set(folder), [LAYER], block=16)
    while next(broken_off).done <= 90:
        pass
    broken_off.close()
    steps, grown, _ = survey_of(opened, folder)
    assert 90 < steps[0].done < COUNT
    assert len(set(read)) == 60
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "other"))
    check_same(grown, survey_of(opened, folder)[1])


def test_files_that_were_only_touched_are_not_read_again(opened: OpenModel, tmp_path: Path, read: list[str]) -> None:
    folder = tmp_path / "photos"
    save(folder, range(40))
    _, first, before = survey_of(opened, folder)
    for path in folder.rglob("*.png"):
        os.utime(path, (1, 1))
    read.clear()
    _, again, after = survey_of(opened, folder)
    assert not read
    assert before != after
    check_same(first, again)
    delete_survey(before)
    assert len(open_survey(after).pictures) == 40


@pytest.mark.parametrize("what", ["changed", "gone", "another label"])
def test_all_is_read_anew_where_pictures_have_changed_or_are_gone(
    opened: OpenModel, tmp_path: Path, read: list[str], what: str
) -> None:
    folder = tmp_path / "photos"
    save(folder, range(40))
    survey_of(opened, folder)
    save(folder, range(60))
    if what == "changed":
        Image.new("RGB", (40, 40), "red").save(folder / "cats" / "004.png")
    elif what == "gone":
        (folder / "cats" / "004.png").unlink()
    else:
        # Not all pictures lie in folders any more, so folders are not classes.
        Image.new("RGB", (40, 40), "red").save(folder / "one.png")
    read.clear()
    steps, survey, _ = survey_of(opened, folder)
    assert len(read) == len(survey.pictures)
    said = "Pictures of an earlier survey have changed or are gone, so all are read anew"
    assert [each.remark for each in steps if each.remark] == [said]


def test_what_a_finished_survey_knows_is_all_that_a_pass_has_found(opened: OpenModel) -> None:
    images = random_set(60, 40)
    *_, end = scan(opened, images, [LAYER], block=16)
    state, again = end.state, new_state(opened, [LAYER])
    statistics = {key: state.statistics(key) for key in state.sums}
    known = Survey("", "", "", state.surveyed, state.all_embeddings(), state.sampled(), statistics)
    again.take_up(known, range(60))
    again.done = 60
    assert again.pictures == state.pictures
    assert set(zip(again.sample.ranks, again.sample.pictures, strict=True)) == set(
        zip(state.sample.ranks, state.sample.pictures, strict=True)
    )
    for key in state.sums:
        found, before = again.statistics(key), known.statistics[key]
        for name in ("means", "squares", "least", "most", "fired", "cross", "sample"):
            assert np.array_equal(getattr(found, name), getattr(before, name)), name
        for ends, others in ((found.top, before.top), (found.bottom, before.bottom)):
            assert np.array_equal(ends.values, others.values, equal_nan=True)
            assert np.array_equal(ends.pictures, others.pictures)
            assert np.array_equal(ends.positions, others.positions)
        for name in ("exponents", "starts", "counts"):
            assert np.array_equal(getattr(found.histogram, name), getattr(before.histogram, name)), name


def test_more_scenes_go_on_from_fewer(opened: OpenModel) -> None:
    for _ in survey_images(opened, open_image_set("scenes:40"), [LAYER]):
        pass
    said = [each.remark for each in survey_images(opened, open_image_set("scenes:60"), [LAYER]) if each.remark]
    assert [each.partition(",")[0] for each in said] == ["40 of 60 pictures are known already"]


@pytest.mark.parametrize("said", ["?gelu", "?heads=2"])
def test_the_same_file_read_otherwise_has_a_survey_of_its_own(
    opened: OpenModel, checkpoint: Path, tmp_path: Path, read: list[str], said: str
) -> None:
    folder = tmp_path / "photos"
    save(folder, range(40))
    _, first, before = survey_of(opened, folder)
    other = open_model(f"{checkpoint}{said}", "cpu")
    read.clear()
    steps, second, after = survey_of(other, folder)
    assert (len(read), [each.remark for each in steps if each.remark]) == (40, [])
    *_, end = scan(other, open_image_set(folder), [LAYER])
    found, wanted = second.statistics[LAYER, "mean"], end.state.statistics((LAYER, "mean"))
    assert_allclose(found.means, wanted.means, rtol=1e-5, atol=1e-6)
    assert np.abs(found.means - first.statistics[LAYER, "mean"].means).max() > 1e-3
    for model, path in ((opened, before), (other, after)):
        assert [each for each, _ in surveys_of(model.sha256 or "")] == [path]
        assert what_changed(read_manifest(path)) == []
    check_comparable(other, second, LAYER, 0, None)
    for model, survey in ((other, first), (opened, second)):
        with pytest.raises(UsageError, match="is of other weights"):
            check_comparable(model, survey, LAYER, 0, None)
    assert notes_of(opened, opened) == ["A and B have the same weights."]
    assert notes_of(opened, other) == []
    # The file is written over.
    os.utime(checkpoint)
    assert what_changed(read_manifest(after)) == []
    checkpoint.write_bytes(checkpoint.read_bytes() + b"0")
    assert what_changed(read_manifest(after)) == ["the model's file is another now"]


def test_a_survey_from_before_identities_said_how_a_file_was_read_is_made_anew(
    opened: OpenModel, checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    save(folder, range(5))
    _, _, path = survey_of(opened, folder)
    manifest = read_manifest(path)
    assert (manifest.weights, manifest.file) == (opened.sha256, opened.sha256)

    def older(model: str) -> list[Path]:
        (path / MANIFEST).write_text(manifest.model_copy(update={"model": model, "file": ""}).model_dump_json())
        return [each for each, _ in all_surveys()]

    # That of the model as its file says it stays as it is.
    assert older(str(checkpoint)) == older(f"{checkpoint}+sae:[shipped]") == older("demo") == [path]
    assert older(f"{checkpoint}?gelu") == older(f"{checkpoint}+sae:[shipped?tokens=all]") == []
    with pytest.raises(UsageError, match="is of another version"):
        read_manifest(path)
