from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet, LeftOut
from clipdesk.imagesets.tables import named_in
from tests.imagesets.pictures import put


def said(found: ImageSet) -> list[tuple[str, str, str]]:
    return [(picture.place, picture.label, picture.caption) for picture in found.pictures]


def reasons(found: ImageSet) -> dict[str, str]:
    return {one.place: one.reason for one in found.left_out}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "a.png")
    put(tmp_path / "in/b.jpg")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "filepath\ttitle\na.png\tone, two\nin/b.jpg\tthree\n"),
        ("t.tsv", "title\tfilepath\none, two\ta.png\nthree\tin/b.jpg"),
        ("t.csv", '\ufeffPath,Caption\r\na.png,"one, two"\r\n\r\nin\\b.jpg,three\r\n'),
        ("t.csv", 'file_name;text\n./a.png;"one,\ntwo"\n in/../in/b.jpg ;three'),
        ("t.jsonl", '{"file_name": "a.png", "text": "one, two"}\n\n{"file_name": "in/b.jpg", "caption": "three"}'),
    ],
)
def test_tables_name_pictures_and_captions(folder: Path, name: str, text: str) -> None:
    found = open_image_set(put(folder / name, text))
    assert said(found) == [("a.png", "", "one, two"), ("in/b.jpg", "", "three")]
    assert (found.name, found.source, reasons(found)) == (name, str(folder / name), {})
    assert found.read(1).image.size == (8, 8)


def test_labels_of_tables(folder: Path) -> None:
    assert said(open_image_set(put(folder / "t.csv", "path,label\na.png,cat\nin/b.jpg,3"))) == [
        ("a.png", "cat", ""),
        ("in/b.jpg", "3", ""),
    ]


def test_a_list_names_paths_anywhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    far = put(tmp_path_factory.mktemp("far") / "c.png")
    found = open_image_set(put(folder / "list.txt", f"\n{folder / 'a.png'}\r\nin/b.jpg\n{far}\n"))
    outside = far.as_posix().replace(":", "").lstrip("/")
    assert [picture.place for picture in found.pictures] == sorted(["a.png", "in/b.jpg", outside])
    assert all(found.read(i).image.size == (8, 8) for i in range(3))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("../up.png", "../up.png is outside the table's folder"),
        ("in/../../up.png", "in/../../up.png is outside the table's folder"),
        ("http://x.org/a.png", "http://x.org/a.png is a web address; download the pictures first"),
        ("a\0.png", "a\\x00.png is not a path"),
        ("x" * 5_000, f"{'x' * 99}… is not a path"),
        ("./a.png", "a.png is named twice"),
        ("y" * 1_000_001, "it is longer than 1 MB"),
    ],
)
def test_lines_that_name_no_picture_are_left_out(folder: Path, line: str, reason: str) -> None:
    found = open_image_set(put(folder / "list.txt", f"a.png\n{line}\nin/b.jpg"))
    assert [picture.place for picture in found.pictures] == ["a.png", "in/b.jpg"]
    assert reasons(found) == {"list.txt, line 2": reason}


def test_pictures_that_are_not_there_are_left_out(folder: Path) -> None:
    put(folder / "notes.pdf", "text")
    (folder / "folder.png").mkdir()
    found = open_image_set(put(folder / "list.txt", b"a.png\nlost.png\nnotes.pdf\nfolder.png\nbad\xff.png"))
    assert len(found.pictures) == 1
    assert reasons(found) == {
        "lost.png": "it is not there",
        "notes.pdf": "it is not a PNG, JPEG, WebP, BMP or TIFF file",
        "folder.png": "it is not a regular file",
        "bad\ufffd.png": "it is not there",
    }


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.csv", "a,b\n1,2", "name a column file_name"),
        ("t.csv", "", "name a column file_name"),
        ("t.csv", '"' + "x" * 200_000, "name a column file_name"),
        ("t.jsonl", '{"name": "a.png"}', "name a column file_name"),
        ("t.csv", "path\nlost.png", r"names no images that are there \(lost.png: it is not there"),
        ("t.txt", "", "names no images that are there"),
        ("t.csv", "path,title".encode("utf-16"), "UTF-16"),
    ],
)
def test_tables_of_no_use_are_refused(folder: Path, name: str, content: str | bytes, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as error:
        open_image_set(put(folder / name, content))
    assert "\n" not in str(error.value)


def test_rows_that_are_damaged_are_left_out(folder: Path) -> None:
    found = open_image_set(put(folder / "t.jsonl", '{"path": "a.png"}\n{\n[]\n' + "[" * 90_000 + '\n{"path": 3}'))
    assert reasons(found) == {
        **{f"t.jsonl, line {number}": "it is not a JSON object" for number in (2, 3, 4)},
        "t.jsonl, line 5": "it names no file",
    }
    found = open_image_set(put(folder / "t.csv", f'path,title\na.png,x\nin/b.jpg,"{"y" * 200_000}'))
    assert [picture.place for picture in found.pictures] == ["a.png"]
    assert "field larger than field limit" in reasons(found)["t.csv, line 3"]


def test_a_set_of_too_many_rows_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.imagesets.sets.MOST_PICTURES", 2)
    with pytest.raises(UsageError, match="has more than 2 rows"):
        open_image_set(put(folder / "t.txt", "a.png\n" * 3))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,text,label\na.png,one,cat\n../a.png,up,up\nlost.png,two,dog\n/etc/x.png,three,cow"),
        (
            "metadata.jsonl",
            '{"file_name":"a.png","text":"one","label":"cat"}\n{"file_name":"../a.png"}\n'
            '{"file_name":"lost.png"}\n{"file_name":"/etc/x.png"}',
        ),
    ],
)
def test_metadata_beside_pictures_says_their_captions(tmp_path: Path, name: str, text: str) -> None:
    for place in ("train/a.png", "train/b.png", "a.png"):
        put(tmp_path / place)
    put(tmp_path / "train" / name, text)
    found = open_image_set(tmp_path)
    assert said(found) == [("a.png", "", ""), ("train/a.png", "cat", "one"), ("train/b.png", "", "")]
    first = 3 if name.endswith("csv") else 2
    assert reasons(found) == {
        f"train/{name}, line {first}": "../a.png is outside the table's folder",
        "train/lost.png": f"train/{name} names it, but it is not there",
        f"train/{name}, line {first + 2}": "/etc/x.png is outside the table's folder",
    }


def test_metadata_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "metadata.csv", "x,y\n1,2")
    assert "name a column file_name" in reasons(open_image_set(tmp_path))["metadata.csv"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(["csv", "tsv", "jsonl", "txt"]),
    st.binary(max_size=300) | st.text(alphabet='ab/.,\t"\n\\\0{}[]:', max_size=200).map(str.encode),
)
def test_any_table_gives_rows_or_one_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    table = put(tmp_path / f"t.{suffix}", b"path,title\n" + content)
    found, message = [], ""
    try:
        found = list(named_in(table, anywhere=False))
    except UsageError as error:
        message = str(error)
    assert "\n" not in message
    for one in found:
        assert isinstance(one, LeftOut) or (one.elsewhere is None and not one.place.startswith(("/", "../")))
