import os
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import expanded, open_image_set
from tests.imagesets.archives import member, tar
from tests.imagesets.pictures import any_names, put, with_links


def test_a_set_is_opened_again_by_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "set/a.png")
    monkeypatch.chdir(tmp_path)
    found = open_image_set("set")
    assert (found.source, found.name) == (str(tmp_path / "set"), "set")
    assert open_image_set(found.source).fingerprint == found.fingerprint


@with_links
@pytest.mark.parametrize("name", ["missing", "pipe", "text.pdf", "empty", "texts", "/dev/zero", "a\0b", "x" * 5_000])
def test_what_is_not_a_set_is_refused_in_one_line_that_says_what_would_be_right(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    put(tmp_path / "text.pdf", "hello")
    (tmp_path / "empty").mkdir()
    put(tmp_path / "texts/notes.md", "hello")
    with pytest.raises(UsageError, match=r"Cannot read|an image set is a folder") as error:
        open_image_set(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_list_of_a_name_that_is_too_long_is_refused_in_a_short_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no images that are there") as error:
        open_image_set(put(tmp_path / "a.txt", "[" * 3_000))
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("{x,y}-{1..2}.tar", ["x-1.tar", "x-2.tar", "y-1.tar", "y-2.tar"]),
        ("{2..1}.tar", []),
        ("{}.tar", [".tar"]),
        ("plain.tar", ["plain.tar"]),
    ],
)
def test_braces_count_and_list(pattern: str, names: list[str]) -> None:
    assert list(expanded(pattern)) == names


def test_a_pattern_of_archives_is_one_set(tmp_path: Path) -> None:
    for number in (0, 2):
        tar(tmp_path / f"s-{number:03}.tar", member("1.png"))
    found = open_image_set(tmp_path / "s-{000..002}.tar")
    assert [picture.place for picture in found.pictures] == ["s-000.tar/1.png", "s-002.tar/1.png"]
    assert [(one.place, one.reason) for one in found.left_out] == [("s-001.tar", "it is not there")]
    assert open_image_set(found.source).fingerprint == found.fingerprint


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("s-{0..2}.tar", "None of the 3 archives"),
        ("s-{2..0}.tar", "None of the 0 archives"),
        ("s-{0..2}.zip", "has to end in .tar"),
        ("s-{0..999999999}.tar", "stands for more than 100,000"),
        ("{0..9999}{0..9999}.tar", "stands for more than 100,000"),
    ],
)
def test_patterns_of_no_use_are_refused(tmp_path: Path, pattern: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        open_image_set(tmp_path / pattern)


def test_archives_beside_images_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    tar(tmp_path / "b.tar", member("1.png"))
    found = open_image_set(tmp_path)
    assert [picture.place for picture in found.pictures] == ["a.png"]
    assert [one.place for one in found.left_out] == ["b.tar"]


def test_a_folder_of_other_files_says_the_first_reason(tmp_path: Path) -> None:
    put(tmp_path / "a.heic")
    with pytest.raises(UsageError, match=r"There are no images in .* \(a\.heic: HEIC is not read"):
        open_image_set(tmp_path)


def test_a_set_of_one_picture(tmp_path: Path) -> None:
    put(tmp_path / "one/a.png")
    found = open_image_set(tmp_path / "one")
    assert len(found.pictures) == 1
    assert found.read(0).image.mode == "RGB"


@any_names
def test_a_folder_whose_name_is_not_unicode_is_refused(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    put(folder / "a.png")
    with pytest.raises(UsageError, match="its name is not valid Unicode") as error:
        open_image_set(folder)
    str(error.value).encode()
