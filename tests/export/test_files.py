import errno
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from pathvalidate import is_valid_filename

from clipdesk.errors import ClipDeskError
from clipdesk.export.files import (
    check_folder,
    clear_partials,
    free_path,
    make_folder,
    picture_name,
    write_atomically,
    write_new,
)
from clipdesk.filenames import safe_name
from clipdesk.render.targets import Text, Unit

WHEN = datetime(2026, 1, 2, 3, 4, 5)


def test_names() -> None:
    unit = Unit(layer="visual.transformer.resblocks.5.attn", index=32)
    assert picture_name(unit, WHEN) == "neuron_32_visual.transformer.resblocks.5.attn_20260102-030405.png"
    assert picture_name(Text(text='a "red" star/..\\x'), WHEN) == "text_a-red-star-x_20260102-030405.png"
    assert picture_name(Text(text="?"), WHEN) == "text_target_20260102-030405.png"


@pytest.mark.parametrize(
    "text",
    ["漢" * 200, "x" * 400, "𠀀" * 80, "a:b|c<d>e\x00f", "CON", "../../up", "...", "ends with dots. . ."],
)
def test_every_system_accepts_the_names(tmp_path: Path, text: str) -> None:
    for target in (Text(text=text), Unit(layer=text, index=3)):
        name = picture_name(target, WHEN)
        assert len(name.encode()) < 230
        assert is_valid_filename(name, platform="universal")
        assert not name.startswith(".")
        (tmp_path / name).touch()
    assert len(list(tmp_path.iterdir())) == 2
    assert is_valid_filename(safe_name(text) or "x", platform="universal")


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert free_path(path) == path
    path.touch()
    (tmp_path / "a-2.png").touch()
    assert free_path(path) == tmp_path / "a-3.png"


def test_a_folder_is_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("tried", [make_folder, check_folder])
def test_a_folder_that_cannot_be_made(tmp_path: Path, tried: Callable[[Path], None]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClipDeskError, match=r"Cannot write to the folder .*file.*Choose another one"):
        tried(tmp_path / "file" / "b")


def test_checking_a_folder_does_not_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    # Root may write anywhere.
    monkeypatch.setattr(os, "access", lambda place, _mode: place != tmp_path)
    with pytest.raises(ClipDeskError, match=r"Cannot write to the folder .*: permission denied"):
        check_folder(tmp_path / "a" / "b")


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def write(file: BinaryIO) -> None:
        file.write(b"new")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(ClipDeskError, match="the disk is full"):
        write_atomically(path, write)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        write_atomically(tmp_path / "a", write)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", lambda file: None)
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def kill_while_writing(path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys; from clipdesk.export.files import write_atomically;"
        "write_atomically(pathlib.Path(sys.argv[1]), lambda file: os.kill(os.getpid(), signal.SIGKILL))"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot say which processes are alive")
def test_the_partial_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    kill_while_writing(tmp_path / "x.png")
    assert len(list(tmp_path.iterdir())) == 1

    def look(file: BinaryIO) -> None:
        clear_partials(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1, "the one that is being written stays"

    write_atomically(tmp_path / "y.png", look)
    assert [path.name for path in tmp_path.iterdir()] == ["y.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot say which processes are alive")
@pytest.mark.parametrize("write", [write_atomically, write_new])
def test_whoever_writes_to_a_folder_removes_what_killed_processes_have_left(
    tmp_path: Path, write: Callable[[Path, Callable[[BinaryIO], None]], object]
) -> None:
    kill_while_writing(tmp_path / "x.png")
    (tmp_path / ".notes.partial").touch()
    write(tmp_path / "y.png", _write_new)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".notes.partial", "y.png"]


def _write_new(file: BinaryIO) -> None:
    file.write(b"new")


def test_a_share_without_permissions_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    write_atomically(tmp_path / "a", _write_new)
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.EPERM])
def test_a_disk_that_refuses_to_delete_does_not_hide_why_writing_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "unlink", refuse)
    write_atomically(tmp_path / "a", _write_new)
    assert (tmp_path / "a").read_bytes() == b"new"
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ClipDeskError, match=os.strerror(number).lower()):
        write_atomically(tmp_path / "b", _write_new)
