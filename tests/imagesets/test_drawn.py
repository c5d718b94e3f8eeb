import shutil
from pathlib import Path

import numpy as np
import pytest

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.imagesets import drawn
from clipdesk.imagesets.drawn import open_scenes
from clipdesk.imagesets.opening import open_image_set
from clipdesk.scenes.dataset import Kind, draw_scenes


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))


def test_scenes_are_a_set_with_labels_and_captions() -> None:
    found = open_image_set("scenes:12")
    assert (found.source, found.name, len(found.pictures)) == ("scenes:12", "scenes:12", 12)
    assert [picture.place for picture in found.pictures[:2]] == ["00000", "00001"]
    scenes = draw_scenes(12, 0, Kind.SEEN)
    assert found.pictures[3].caption == scenes.captions[3][0].text
    color, shape = found.pictures[3].label.split()
    assert (color, shape) != ("", "")
    assert np.array_equal(np.array(found.read(3).image), scenes.images[3])


def test_the_seed_gives_other_scenes_and_the_same_ones_each_time() -> None:
    sets = [open_image_set(source) for source in ("scenes:3", "scenes:3", "scenes:3:0", "scenes:3:1")]
    assert len({one.fingerprint for one in sets[:3]}) == 1
    assert sets[3].fingerprint != sets[0].fingerprint
    assert len({one.read(0).sha256 for one in sets}) == 2


@pytest.mark.parametrize("source", ["scenes:", "scenes:0", "scenes:-1", "scenes:x", "scenes:1000001", "scenes:5:"])
def test_another_form_is_refused(source: str) -> None:
    with pytest.raises(UsageError, match="Write scenes:5000"):
        open_image_set(source)


def test_scenes_that_were_kept_damaged_are_drawn_anew(tmp_path: Path) -> None:
    first = open_scenes("scenes:2").read(1).sha256
    (kept,) = tmp_path.rglob("pictures.u8")
    kept.write_bytes(b"cut")
    assert open_scenes("scenes:2").read(1).sha256 == first
    (rest,) = tmp_path.rglob("rest.json")
    rest.write_text("{")
    assert open_scenes("scenes:2").read(1).sha256 == first


def test_no_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "SIZE", 10**9)
    with pytest.raises(ClipDeskError, match="too little room"):
        open_scenes("scenes:2")


def test_scenes_that_are_kept_need_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_scenes("scenes:2").read(1).sha256
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    assert open_scenes("scenes:2").read(1).sha256 == first
    with pytest.raises(ClipDeskError, match="too little room"):
        open_scenes("scenes:3")


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ClipDeskError, match="Cannot keep scenes in"):
        open_scenes("scenes:2")
