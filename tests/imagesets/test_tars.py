import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipdesk.errors import UsageError
from clipdesk.imagesets import tars
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.tars import index_of
from tests.imagesets.archives import member, tar
from tests.imagesets.pictures import encoded

FORMS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def names(path: Path) -> list[str]:
    return [one.name for one in index_of(path).members]


def reasons(path: Path) -> dict[str, str]:
    return {one.place: one.reason for one in index_of(path).left_out}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["a" * 300 + ".png", "folder/" * 40 + "bild.png", "für/ü.png"])
def test_long_and_foreign_names(tmp_path: Path, form: int, name: str) -> None:
    assert names(tar(tmp_path / "a.tar", member(name), member("z.png"), form=form)) == [name, "z.png"]


def test_a_text_belongs_to_the_key_before_the_first_dot(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", member("x/1.left.jpg"), member("x/1.right.jpg"), member("x/1.txt", "both"))
    assert [one.caption for one in index_of(path).members] == ["both", "both"]


def test_an_archive_that_is_cut_gives_what_is_whole(tmp_path: Path) -> None:
    noise = bytes(range(256)) * 40
    path = tar(tmp_path / "a.tar", member("1.png"), member("2.png", encoded() + noise), member("3.png"))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(noise) + 2_000])
    found = open_image_set(path)
    assert [picture.place for picture in found.pictures] == ["a.tar/1.png"]
    assert {one.place: one.reason for one in found.left_out} == {
        "a.tar": "the archive is cut off; what is whole of it is used",
        "a.tar/2.png": "it is cut off",
    }


def test_an_archive_without_its_end_is_said(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", member("1.png"))
    path.write_bytes(path.read_bytes()[:1024])
    assert reasons(path) == {"": "the archive has no end, so it may be cut off; what is there is used"}
    assert names(path) == ["1.png"]


def test_what_follows_damage_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", member("1.png"), member("2.png"))
    data = bytearray(path.read_bytes())
    data[1024:1100] = b"\xff" * 76
    path.write_bytes(data)
    assert names(path) == ["1.png"]
    assert reasons(path) == {"": "the archive is damaged from byte 1,024 on; what is before is used"}


def test_members_of_no_use_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "MOST_BYTES", 2_000_000)
    link = tarfile.TarInfo("link.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    path = tar(
        tmp_path / "a.tar",
        *(
            member("1.png"),
            member("1.png"),
            member("2.gif"),
            member("3.txt", "none"),
            member("4.png", bytes(2_000_001)),
        ),
        *(member("._1.png"), member("__MACOSX/x.png"), member(".hidden.png"), (link, b"")),
    )
    assert names(path) == ["1.png"]
    assert reasons(path) == {
        "1.png": "it is in the archive twice; the first is used",
        "2.gif": "GIF is not read; save it as PNG or JPEG",
        "3": "there are texts of this name, but no image",
        "4.png": "it has more than 2 MB",
        "link.png": "it is not packed as a plain file",
    }


def test_names_that_would_lead_out_of_the_archive_do_not(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", member("../../up.png"), member("/etc/root.png"), member("./here.png"))
    assert names(path) == ["up.png", "etc/root.png", "here.png"]


@pytest.mark.parametrize("claimed", [b"\x80" + b"\x7f" * 11, b"\xff" * 12, b"77777777777\0"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_size_that_is_a_lie_ends_the_archive(tmp_path: Path, claimed: bytes, kind: bytes) -> None:
    info, data = member("2.png")
    info.type = kind
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = claimed
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    first, content = member("1.png")
    path = tmp_path / "a.tar"
    path.write_bytes(first.tobuf() + content.ljust(512, b"\0") + bytes(header) + data + bytes(2_048))
    assert names(path) == ["1.png"]
    assert any(word in " ".join(reasons(path).values()) for word in ("cut off", "damaged"))


def test_many_extended_headers_one_after_the_other_are_read(tmp_path: Path) -> None:
    extended = tarfile.TarInfo("x")
    extended.type = tarfile.XHDTYPE
    first, content = member("1.png")
    path = tmp_path / "a.tar"
    path.write_bytes(extended.tobuf() * 5_000 + first.tobuf() + content.ljust(512, b"\0") + bytes(1_024))
    assert names(path) == ["1.png"]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is not a tar"), (b"text", "is not a tar"), (b"\x1f\x8b", "gunzip")]
)
def test_what_is_not_an_archive_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(UsageError, match=reason) as error:
        open_image_set(tmp_path / "a.tar")
    assert "\n" not in str(error.value)


def sample() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:") as archive:
        for info, content in (member("ä.png"), member("1.txt", "caption"), member("1.jpg", encoded("red", "JPEG"))):
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()[:6_144]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6_143), st.binary(min_size=1, max_size=12)), max_size=4), st.integers(0, 6_144)
)
def test_any_damage_gives_an_index_or_one_line(tmp_path: Path, changes: list[tuple[int, bytes]], length: int) -> None:
    data = bytearray(sample())
    for at, content in changes:
        data[at : at + len(content)] = content
    path = tmp_path / "a.tar"
    path.write_bytes(data[:length])
    members, message = [], ""
    try:
        members = index_of(path).members
    except UsageError as error:
        message = str(error)
    assert "\n" not in message
    assert all(one.offset + one.size <= path.stat().st_size for one in members)
