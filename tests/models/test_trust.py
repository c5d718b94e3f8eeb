"""Archives are allowed by what they hold, for this process only."""

from pathlib import Path

import pytest

from clipdesk.checksums import read_sha256
from clipdesk.errors import ClipDeskError
from clipdesk.models import trust


@pytest.fixture(autouse=True)
def _nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())


def test_an_archive_is_allowed_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"harmless")
    trust.allow_file(path)
    assert trust.is_allowed(read_sha256(path))
    path.write_bytes(b"harmful!")
    assert not trust.is_allowed(read_sha256(path))


def test_nothing_is_allowed_to_begin_with() -> None:
    assert not trust.is_allowed("0" * 64)
    trust.allow("0" * 64)
    assert trust.is_allowed("0" * 64)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClipDeskError, match=r"gone\.pt: No such file"):
        trust.allow_file(tmp_path / "gone.pt")


def test_the_refusal_says_how_to_allow_the_archive(tmp_path: Path) -> None:
    refusal = trust.UntrustedArchive(tmp_path / "a.pt", "0" * 64)
    assert refusal.sha256 == "0" * 64
    for word in ("a.pt", "--trust-archive", "trust_archive=True"):
        assert word in str(refusal)


def test_all_that_is_allowed_can_be_told_to_another_process() -> None:
    trust.allow("b" * 64)
    trust.allow("a" * 64)
    assert trust.all_allowed() == ["a" * 64, "b" * 64]
