"""Surveys as folders: whole or not there, gone on with after an interruption, and said to be stale where they are."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from clipdesk.activations import checkpoints, storing, surveying
from clipdesk.activations.blocks import Block
from clipdesk.activations.scan import ScanState
from clipdesk.activations.storing import (
    MANIFEST,
    all_surveys,
    damaged_surveys,
    delete_survey,
    left_out_of,
    open_survey,
    read_manifest,
    read_thumbnail,
)
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import SurveyProgress, survey_images
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import LeftOut
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.paths import surveys_folder
from tests.activations.sets import random_set

LAYER = "visual.transformer.resblocks.1.mlp.gelu"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


@pytest.fixture
def opened(checkpoint: Path) -> OpenModel:
    return open_model(checkpoint, "cpu")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """40 pictures in two folders, and one file that is none."""
    images = random_set(40, 40)
    for number, pixels in enumerate(images.pixels):
        path = tmp_path / "photos" / ("cats", "dogs")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    (tmp_path / "photos" / "cats" / "broken.jpg").write_bytes(b"none")
    return tmp_path / "photos"


def finished(opened: OpenModel, photos: Path, block: int = 8) -> tuple[SurveyProgress, Survey]:
    *_, end = survey_images(opened, open_image_set(photos), [LAYER], block=block)
    assert end.folder is not None
    return end, open_survey(end.folder)


def begin(opened: OpenModel, photos: Path, blocks: int) -> Generator[SurveyProgress, None, None]:
    survey = survey_images(opened, open_image_set(photos), [LAYER], block=8)
    for _ in range(blocks):
        next(survey)
    return survey


def check_same(one: Survey, other: Survey) -> None:
    assert [each.id for each in one.pictures] == [each.id for each in other.pictures]
    assert np.array_equal(one.sample, other.sample)
    assert np.array_equal(one.embeddings.rows, other.embeddings.rows)
    for key, found in one.statistics.items():
        again = other.statistics[key]
        assert np.array_equal(found.means, again.means)
        assert np.array_equal(found.cross, again.cross)
        assert np.array_equal(found.top.pictures, again.top.pictures)
        assert np.array_equal(found.histogram.counts, again.histogram.counts)
        assert np.array_equal(found.sample, again.sample)


def test_a_folder_is_surveyed_and_opened_again(opened: OpenModel, photos: Path) -> None:
    end, survey = finished(opened, photos)
    assert (end.done, end.total, end.seconds_left) == (41, 41, 0)
    assert [each.place for each in end.left_out] == ["cats/broken.jpg"]
    assert survey.weights == opened.sha256
    assert [survey.pictures[0].place, survey.pictures[0].label] == ["cats/00.png", "cats"]
    assert len(survey.pictures) == 40
    assert set(survey.statistics) == {(LAYER, "mean"), (LAYER, "max"), (LAYER, "class")}
    assert end.folder is not None
    assert [each.place for each in left_out_of(end.folder)] == ["cats/broken.jpg"]
    manifest = read_manifest(end.folder)
    assert (manifest.pictures, manifest.left_out, manifest.changed) == (40, 1, False)
    assert [path for path, _ in all_surveys()] == [end.folder]


def test_thumbnails_are_those_of_the_pictures_that_were_read(opened: OpenModel, photos: Path) -> None:
    end, survey = finished(opened, photos)
    assert end.folder is not None
    for number in (0, 19, 20, 39):
        webp = read_thumbnail(end.folder, survey.pictures[number].place)
        assert webp is not None
        (photos.parent / "one.webp").write_bytes(webp)
        shown = Image.open(photos.parent / "one.webp").convert("RGB")
        assert shown.size == (224, 224)
        wanted = Image.open(photos / survey.pictures[number].place).resize((224, 224), Image.Resampling.BICUBIC)
        apart = np.abs(np.asarray(shown, dtype=float) - np.asarray(wanted, dtype=float)).mean()
        assert apart < 12
    assert read_thumbnail(end.folder, "cats/broken.jpg") is None


def test_what_is_left_out_is_one_list_that_grows(opened: OpenModel, photos: Path) -> None:
    for number in range(6):
        (photos / "dogs" / f"broken{number}.jpg").write_bytes(b"none")
    steps = list(survey_images(opened, open_image_set(photos), [LAYER], block=8))
    assert len(steps) > 4
    # A list made anew for every block takes the square of the number of unreadable files.
    assert len({id(each.left_out) for each in steps[:-1]}) == 1
    assert len(steps[-1].left_out) == 7


def test_a_survey_that_is_there_is_not_made_again(opened: OpenModel, photos: Path) -> None:
    end, _ = finished(opened, photos)
    assert [each.folder for each in survey_images(opened, open_image_set(photos), [LAYER])] == [end.folder]


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_survey_that_was_stopped_goes_on_and_ends_alike(opened: OpenModel, photos: Path, blocks: int) -> None:
    survey = begin(opened, photos, blocks)
    survey.close()
    assert list(all_surveys()) == []
    first, *_ = again = list(survey_images(opened, open_image_set(photos), [LAYER], block=8))
    assert first.done == 8 * (blocks + 1)
    assert again[-1].folder is not None
    gone_on = open_survey(again[-1].folder)
    thumbnails = [read_thumbnail(again[-1].folder, each.place) for each in gone_on.pictures]
    delete_survey(again[-1].folder)
    end, whole = finished(opened, photos)
    check_same(gone_on, whole)
    assert end.folder is not None
    assert thumbnails == [read_thumbnail(end.folder, each.place) for each in whole.pictures]


def test_a_survey_that_fails_at_its_manifest_is_whole_when_it_goes_on(
    opened: OpenModel, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was written for the end may be taken for what a pass that goes on has left."""
    begin(opened, photos, 3).close()
    with monkeypatch.context() as patch:
        patch.setattr(storing, "write_text", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ClipDeskError):
            finished(opened, photos)
    end, survey = finished(opened, photos)
    assert end.folder is not None
    thumbnails = {each.place: read_thumbnail(end.folder, each.place) for each in survey.pictures}
    assert len(set(thumbnails.values())) == 40
    delete_survey(end.folder)
    again, whole = finished(opened, photos)
    assert again.folder is not None
    check_same(survey, whole)
    assert thumbnails == {each.place: read_thumbnail(again.folder, each.place) for each in whole.pictures}


def test_a_damaged_checkpoint_is_begun_anew(opened: OpenModel, photos: Path, tmp_path: Path) -> None:
    begin(opened, photos, 2).close()
    (checkpoint,) = (tmp_path / "data" / "surveys").glob("*/checkpoint")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    first, *_, end = survey_images(opened, open_image_set(photos), [LAYER], block=8)
    assert first.done == 8
    assert end.folder is not None
    assert len(open_survey(end.folder).pictures) == 40


def test_a_set_that_changed_is_another_survey(opened: OpenModel, photos: Path) -> None:
    end, _ = finished(opened, photos)
    Image.new("RGB", (30, 30), "red").save(photos / "dogs" / "new.png")
    again, survey = finished(opened, photos)
    assert again.folder != end.folder
    assert len(survey.pictures) == 41


def test_a_set_that_changes_meanwhile_is_said(opened: OpenModel, photos: Path) -> None:
    survey = begin(opened, photos, 1)
    Image.new("RGB", (30, 30), "red").save(photos / "dogs" / "new.png")
    (photos / "dogs" / "39.png").unlink()
    *_, end = survey
    assert end.folder is not None
    assert read_manifest(end.folder).changed
    assert sorted(each.place for each in end.left_out) == ["cats/broken.jpg", "dogs/39.png"]


def test_two_processes_do_not_make_one_survey(opened: OpenModel, photos: Path) -> None:
    survey = begin(opened, photos, 1)
    with pytest.raises(ClipDeskError, match="Another process makes this survey"):
        next(survey_images(opened, open_image_set(photos), [LAYER]))
    survey.close()


@pytest.mark.parametrize("name", ["embeddings.safetensors", "pictures.jsonl", "000-visual"])
def test_a_survey_with_a_damaged_file_is_refused(opened: OpenModel, photos: Path, name: str) -> None:
    end, _ = finished(opened, photos)
    assert end.folder is not None
    path = next(path for path in end.folder.iterdir() if path.name.startswith(name))
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(UsageError, match=r"is damaged\. Delete it, and make it anew with: clipdesk survey"):
        list(open_survey(end.folder).statistics.values())


def test_a_survey_without_a_manifest_is_none(opened: OpenModel, photos: Path) -> None:
    end, _ = finished(opened, photos)
    assert end.folder is not None
    manifest = json.loads((end.folder / MANIFEST).read_text())
    (end.folder / MANIFEST).write_text(json.dumps(manifest | {"version": 99}))
    with pytest.raises(UsageError, match="is of another version"):
        open_survey(end.folder)
    (end.folder / MANIFEST).unlink()
    with pytest.raises(UsageError, match="is not a finished survey"):
        open_survey(end.folder)
    assert list(all_surveys()) == []


def _with(lines: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(lines)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("name", ["pictures.jsonl", "left_out.jsonl", "embeddings.safetensors"])
@pytest.mark.parametrize("spoil", [_pipe, _endless, _with("[" * 100_000), _with("[1]\n"), _with("3\n")])
def test_a_spoilt_file_of_a_survey_is_never_waited_for_and_no_unexpected_error(
    opened: OpenModel, photos: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    end, _ = finished(opened, photos)
    assert end.folder is not None
    spoil(end.folder / name)
    with pytest.raises(UsageError, match=r"is damaged\. Delete it, and make it anew"):
        left_out_of(end.folder) if name.startswith("left") else open_survey(end.folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("spoil", [_pipe, _endless, _with("[" * 100_000)])
def test_a_spoilt_checkpoint_is_not_gone_on_from(
    opened: OpenModel, photos: Path, spoil: Callable[[Path], object]
) -> None:
    begin(opened, photos, 2).close()
    (checkpoint,) = (surveys_folder()).glob("*.partial/checkpoint")
    spoil(checkpoint)
    end, _ = finished(opened, photos)
    assert end.folder is not None
    assert len(open_survey(end.folder).pictures) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("spoil", [_pipe, _endless, _with(""), _with("[1]"), _with('{"format": "clipdesk-survey"}')])
def test_a_survey_that_cannot_be_read_is_kept_aside_when_it_is_made_anew(
    opened: OpenModel, photos: Path, spoil: Callable[[Path], object]
) -> None:
    for number in ("", "2"):
        end, _ = finished(opened, photos)
        assert end.folder is not None
        spoil(end.folder / MANIFEST)
        assert list(all_surveys()) == []
        assert end.folder in damaged_surveys()
        again, _ = finished(opened, photos)
        assert again.folder == end.folder
        assert [path for path, _ in all_surveys()] == [end.folder]
        aside = end.folder.with_name(f"{end.folder.name}.damaged{number}")
        assert aside in damaged_surveys()
    delete_survey(aside)
    assert aside not in damaged_surveys()


def test_too_little_memory_or_disk_is_said_before_anything_is_done(
    opened: OpenModel, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = open_image_set(photos)
    with monkeypatch.context() as patch:
        patch.setattr(surveying, "_SPARE_BYTES", 2**60)
        with pytest.raises(ClipDeskError, match=r"needs 0\.0 GB of memory, and .* Name fewer layers with --layers"):
            next(survey_images(opened, images, [LAYER]))
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(
        ClipDeskError, match=r"A survey of 41 pictures needs [1-9]\d* MB on the disk .* and 0 MB are free"
    ):
        next(survey_images(opened, images, [LAYER]))


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("database or disk is full"), OSError(errno.ENOSPC, "No space left on device")]
)
def test_a_full_disk_is_one_line_and_the_survey_goes_on_later(
    opened: OpenModel, photos: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object) -> None:
        raise error

    begin(opened, photos, 2).close()
    with monkeypatch.context() as patch:
        patch.setattr(surveying, "write_thumbnails", full)
        with pytest.raises(ClipDeskError, match=r"Cannot write to .*(disk is full|No space left on device)\. The same"):
            finished(opened, photos)
    assert list(all_surveys()) == []
    first, *_, end = survey_images(opened, open_image_set(photos), [LAYER], block=8)
    assert first.done == 24
    assert end.folder is not None


def test_an_error_within_the_pass_leaves_the_checkpoint_before(
    opened: OpenModel, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is half added up when a Ctrl-C or an error comes must not be gone on from."""
    begin(opened, photos, 2).close()
    add, calls = ScanState.add, [0]

    def half(state: ScanState, block: Block) -> None:
        calls[0] += 1
        if calls[0] == 2:
            state.left_out.append(LeftOut("half", "added"))
            raise KeyboardInterrupt
        add(state, block)

    with monkeypatch.context() as patch:
        patch.setattr(ScanState, "add", half)
        with pytest.raises(KeyboardInterrupt):
            finished(opened, photos)
    first, *_, end = survey_images(opened, open_image_set(photos), [LAYER], block=8)
    assert first.done == 24
    assert [each.place for each in end.left_out] == ["cats/broken.jpg"]


def test_a_layer_that_is_not_there_is_refused(opened: OpenModel, photos: Path) -> None:
    with pytest.raises(UsageError, match="There is no layer 'nonsense'"):
        next(survey_images(opened, open_image_set(photos), ["nonsense"]))


def test_checkpoints_that_take_long_are_written_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    pace, due = checkpoints.Pace(), list[float]()
    for second in range(2_000):
        clock[0] = max(clock[0], second)
        if pace.due:
            due.append(clock[0])
            with pace.writing():
                clock[0] += 1 if len(due) == 1 else 30
    assert due == [61, 123, 724, 1325, 1926]
