import hashlib

import pytest

from clipdesk.errors import UsageError
from clipdesk.imagesets import sets
from clipdesk.imagesets.sets import LeftOut, Omissions, Picture, StoredSet, digest_of
from tests.imagesets.pictures import encoded


class InMemory(StoredSet):
    def __init__(self, *files: bytes) -> None:
        pictures = [Picture(f"{i}\n.jpg") for i in range(len(files))]
        super().__init__("memory", "memory", pictures, (), digest_of(pictures, files))
        self._files = files

    def data(self, index: int) -> bytes:
        return self._files[index]


def test_a_picture_is_read_with_its_checksum_and_no_smaller_than_asked() -> None:
    data = encoded("red", "JPEG", side=100)
    found = InMemory(data, b"none")
    assert found.read(0).image.size == (100, 100)
    assert found.read(0, 30).image.size == (50, 50)
    assert found.read(0, 51).image.size == (100, 100)
    assert found.read(0, 300).image.size == (100, 100)
    assert found.read(0).sha256 == found.read(0, 30).sha256 == found.sha256(0) == hashlib.sha256(data).hexdigest()


def test_what_cannot_be_decoded_is_named_by_its_place_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"^0\\n\.jpg is not an image"):
        InMemory(b"none").read(0)


def test_the_digest_changes_with_each_thing_that_is_known() -> None:
    known = [Picture("a", "b", "c"), Picture("x", "b", "c"), Picture("a", "x", "c"), Picture("a", "b", "x")]
    digests = [digest_of([one], [1]) for one in known] + [digest_of([known[0]], [2])]
    assert len(set(digests)) == 5


def test_a_million_pictures_need_no_dictionaries() -> None:
    assert not hasattr(Picture("a"), "__dict__")


def test_of_very_many_that_are_left_out_only_the_number_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "MOST_LEFT_OUT", 2)
    found = Omissions(LeftOut(f"{number}\n", "it is not there") for number in range(1_500))
    assert [(one.place, one.reason) for one in found.listed()] == [
        ("0\n", "it is not there"),
        ("1\n", "it is not there"),
        ("...", "1,498 more are left out"),
    ]
    assert found.because() == r" (0\n: it is not there)"
    assert (Omissions().listed(), Omissions().because()) == ([], "")
