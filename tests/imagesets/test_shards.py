import hashlib
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from tests.imagesets.archives import member, tar
from tests.imagesets.pictures import encoded, with_links

FORMS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


@pytest.mark.parametrize("form", FORMS)
def test_pictures_are_read_in_place_with_label_and_caption(tmp_path: Path, form: int) -> None:
    path = tar(
        tmp_path / "shard-000.tar",
        member("b/0002.png", encoded("blue")),
        member("b/0002.json", '{"caption": "from JSON", "class": "sky"}'),
        member("b/0002.txt", "a blue square"),
        member("0001.jpg", encoded("red", "JPEG")),
        member("0001.cls", "7"),
        form=form,
    )
    found = open_image_set(path)
    assert [(p.place, p.label, p.caption) for p in found.pictures] == [
        ("shard-000.tar/0001.jpg", "7", ""),
        ("shard-000.tar/b/0002.png", "sky", "a blue square"),
    ]
    assert found.read(1).sha256 == hashlib.sha256(encoded("blue")).hexdigest()
    assert found.read(1).image.getpixel((0, 0)) == (0, 0, 255)
    assert (list(found.left_out), list(tmp_path.iterdir())) == ([], [path])


def test_an_archive_that_changes_after_it_was_opened_is_not_read(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", member("1.png"))
    found = open_image_set(path)
    tar(path, member("0.png", bytes(20_000)), member("1.png"))
    with pytest.raises(UsageError, match="has changed"):
        found.read(0)
    path.unlink()
    with pytest.raises(UsageError, match=r"^Cannot read .*a\.tar: "):
        found.read(0)


@with_links
def test_an_archive_that_became_a_pipe_is_not_opened(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", member("1.png"))
    found = open_image_set(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match="has changed"):
        found.read(0)


def test_threads_read_each_what_they_asked_for(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", *(member(f"{i:02}.png", encoded(f"rgb({i},0,0)")) for i in range(40)))
    found = open_image_set(path)
    with ThreadPoolExecutor(4) as pool:
        colors = list(pool.map(lambda i: found.read(i).image.getpixel((0, 0)), range(40)))
    assert colors == [(i, 0, 0) for i in range(40)]


def test_a_damaged_archive_among_others_is_left_out(tmp_path: Path) -> None:
    tar(tmp_path / "a.tar", member("1.png"))
    (tmp_path / "b.tar").write_bytes(b"text" * 300)
    found = open_image_set(tmp_path)
    assert [picture.place for picture in found.pictures] == ["a.tar/1.png"]
    assert [one.place for one in found.left_out] == ["b.tar"]
