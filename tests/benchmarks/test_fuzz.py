import importlib.util
from pathlib import Path

import pytest
import torch

from benchmarks.fuzz import check, fuzz
from benchmarks.fuzz_subjects import Subject, make_subjects
from clipdesk.errors import ClipDeskError


def test_the_unchanged_files_can_be_read(tmp_path: Path) -> None:
    subjects = make_subjects(tmp_path)
    assert len(subjects) == 38 + bool(importlib.util.find_spec("pyarrow"))
    for subject in subjects:
        (tmp_path / "x").write_bytes(subject.join(subject.parts))
        assert check(subject, tmp_path / "x") or subject.name == "archive"


def test_some_changed_files_of_each_kind(tmp_path: Path) -> None:
    for subject in make_subjects(tmp_path):
        read, refused = fuzz(subject, 0, 20, tmp_path)
        assert read + refused >= 20
        # Damaged lines of a journal are passed over.
        assert refused or subject.name == "journal"


def test_a_file_that_causes_an_error_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> object:
        if b"x" not in path.read_bytes():
            raise KeyError(path)
        return path

    monkeypatch.chdir(tmp_path)
    subject = Subject("text", [("whole", b"x")], lambda parts: parts[0][1] if parts else b"", read)
    with pytest.raises(KeyError):
        fuzz(subject, 3, 500, tmp_path)
    assert b"x" not in (tmp_path / "fuzz-text-3").read_bytes()


@pytest.mark.parametrize("message", ["two\nlines of it", "short", "long" * 300])
def test_an_unclear_message_is_an_error(tmp_path: Path, message: str) -> None:
    def read(_: Path) -> object:
        raise ClipDeskError(message)

    with pytest.raises(AssertionError, match="no clear line"):
        check(Subject("text", [("whole", b"x")], lambda _: b"", read), tmp_path)


def test_reading_for_too_long_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.fuzz._SLOW_SECONDS", 0)
    with pytest.raises(AssertionError, match="too long"):
        check(Subject("text", [("whole", b"x")], lambda _: b"", lambda _: torch.ones(100, 100).sum()), tmp_path)
