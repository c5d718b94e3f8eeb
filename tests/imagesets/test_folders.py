from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from tests.imagesets.pictures import any_names, encoded, put


def labels(folder: Path) -> dict[str, str]:
    return {picture.place: picture.label for picture in open_image_set(folder).pictures}


def captions(folder: Path) -> dict[str, str]:
    return {picture.place: picture.caption for picture in open_image_set(folder).pictures}


def test_pictures_are_sorted_by_place_and_labelled_by_the_first_folder(tmp_path: Path) -> None:
    for place in ("dogs/big/2.jpg", "dogs/1.png", "cats/b.PNG", "cats/a.webp"):
        put(tmp_path / place)
    assert list(labels(tmp_path).items()) == [
        ("cats/a.webp", "cats"),
        ("cats/b.PNG", "cats"),
        ("dogs/1.png", "dogs"),
        ("dogs/big/2.jpg", "dogs"),
    ]


def test_folders_are_not_classes_where_a_picture_lies_beside_them(tmp_path: Path) -> None:
    put(tmp_path / "cats/a.png")
    put(tmp_path / "b.png")
    assert set(labels(tmp_path).values()) == {""}


def test_the_second_folder_is_the_class_below_training_and_test(tmp_path: Path) -> None:
    put(tmp_path / "train/cats/a.png")
    put(tmp_path / "val/dogs/b.png")
    assert labels(tmp_path) == {"train/cats/a.png": "cats", "val/dogs/b.png": "dogs"}


def test_texts_beside_pictures_are_their_captions(tmp_path: Path) -> None:
    put(tmp_path / "00000/0001.jpg")
    put(tmp_path / "00000/0001.txt", "a red\nsquare \ud7ff")
    put(tmp_path / "00000/0001.json", '{"caption": "from JSON", "label": 7}')
    put(tmp_path / "00000/0002.jpg")
    put(tmp_path / "00000/0002.json", '{"caption": "only \\ud800 JSON", "sha256": 0}')
    put(tmp_path / "00000/0003.jpg")
    put(tmp_path / "00000/0003.cls", "3")
    found = open_image_set(tmp_path)
    assert [(p.label, p.caption) for p in found.pictures] == [
        ("7", "a red square \ud7ff"),
        ("", "only ? JSON"),
        ("3", ""),
    ]


def test_a_text_without_a_picture_is_left_out_but_a_read_me_is_not_mentioned(tmp_path: Path) -> None:
    put(tmp_path / "a/0001.jpg")
    put(tmp_path / "a/0001.txt", "one")
    put(tmp_path / "a/0002.txt", "two")
    put(tmp_path / "b/x.jpg")
    put(tmp_path / "b/README.txt", "read me")
    assert [(one.place, one.reason) for one in open_image_set(tmp_path).left_out] == [
        ("a/0002.txt", "there is no image of this name beside it")
    ]


@pytest.mark.parametrize("text", ['{"caption": ' + "[" * 100_000, "[]", '{"caption": {"a": 1}}', "\0", "1" * 10_000])
def test_json_of_any_kind_is_no_more_than_no_caption(tmp_path: Path, text: str) -> None:
    put(tmp_path / "a.jpg")
    put(tmp_path / "a.json", text)
    assert captions(tmp_path) == {"a.jpg": ""}


def test_a_huge_text_is_left_out_and_its_picture_is_not(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg")
    put(tmp_path / "a.txt", "x" * 1_000_001)
    found = open_image_set(tmp_path)
    assert len(found.pictures) == 1
    assert "has more than 1 MB" in found.left_out[0].reason


def test_captions_are_cut(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg")
    put(tmp_path / "a.txt", "word " * 10_000)
    assert len(captions(tmp_path)["a.jpg"]) == 1_000


def test_a_picture_is_read_with_the_checksum_of_its_file(tmp_path: Path) -> None:
    put(tmp_path / "a.png", encoded("blue"))
    read = open_image_set(tmp_path).read(0)
    assert read.image.getpixel((0, 0)) == (0, 0, 255)
    assert len(read.sha256) == 64


def test_a_picture_that_vanished_or_is_not_one_is_said_in_one_line(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "b.png", "text")
    found = open_image_set(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(UsageError, match=r"^Cannot read .*a\.png: "):
        found.read(0)
    with pytest.raises(UsageError, match=r"^b\.png is not an image that can be read"):
        found.read(1)


@any_names
def test_a_name_of_several_lines_is_shown_in_one(tmp_path: Path) -> None:
    put(tmp_path / "b\n.png", "text")
    found = open_image_set(tmp_path)
    with pytest.raises(UsageError, match=r"^b\\n\.png is not an image"):
        found.read(0)
    (tmp_path / "b\n.png").unlink()
    with pytest.raises(UsageError, match=r"b\\n\.png: No such file"):
        found.read(0)


def test_the_fingerprint_is_that_of_what_is_there(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "a.txt", "one")
    first = open_image_set(tmp_path).fingerprint
    assert open_image_set(tmp_path).fingerprint == first
    put(tmp_path / "a.txt", "two")
    second = open_image_set(tmp_path).fingerprint
    put(tmp_path / "a.png", encoded("blue", side=64))
    third = open_image_set(tmp_path).fingerprint
    put(tmp_path / "b.png")
    assert len({first, second, third, open_image_set(tmp_path).fingerprint}) == 4
