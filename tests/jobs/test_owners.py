"""Owners of work: alive while their process holds a lock file, dead when it ends, in whatever way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from clipdesk.errors import ClipDeskError
from clipdesk.jobs.owners import Owner, is_alive

HOLD = (
    "import pathlib, sys; from clipdesk.jobs.owners import Owner;"
    "owner = Owner(pathlib.Path(sys.argv[1])); print(owner.name, flush=True); sys.stdin.read()"
)


def test_an_owner_lives_until_it_is_closed_and_leaves_no_file(tmp_path: Path) -> None:
    with Owner(tmp_path) as owner:
        assert is_alive(tmp_path, owner.name)
    assert not is_alive(tmp_path, owner.name)
    assert list(tmp_path.iterdir()) == []


def test_owners_of_one_process_have_names_and_lives_of_their_own(tmp_path: Path) -> None:
    with Owner(tmp_path) as first, Owner(tmp_path) as second:
        assert first.name != second.name
        first.close()
        assert [is_alive(tmp_path, owner.name) for owner in (first, second)] == [False, True]


def test_a_killed_process_is_dead_at_once_and_its_file_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert is_alive(tmp_path, name)
        process.kill()
        process.wait()
        assert not is_alive(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_new_owner_removes_the_files_of_killed_ones_and_no_others(tmp_path: Path) -> None:
    (tmp_path / f"{'a' * 32}.lock").touch()
    (tmp_path / f"{'b' * 32}.lock").touch()
    (tmp_path / "notes.lock").touch()
    with Owner(tmp_path) as first, Owner(tmp_path) as second:
        there = {path.stem for path in tmp_path.iterdir()}
        assert there == {first.name, second.name, "notes"}


def test_a_lock_file_that_cannot_be_looked_at_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / f"{'a' * 32}.lock").mkdir()
    with Owner(tmp_path) as owner:
        assert is_alive(tmp_path, owner.name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no file that is open")
def test_an_owner_whose_new_file_was_taken_for_a_dead_ones_makes_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire = FileLock.acquire
    removed: list[Path] = []

    def late(lock: FileLock) -> None:
        acquire(lock)
        if not removed:
            removed.append(Path(lock.lock_file))
            removed[0].unlink()

    monkeypatch.setattr(FileLock, "acquire", late)
    with Owner(tmp_path) as owner:
        assert removed == [tmp_path / f"{owner.name}.lock"]
        assert is_alive(tmp_path, owner.name)


def test_asking_does_not_take_the_lock_away(tmp_path: Path) -> None:
    with Owner(tmp_path) as owner:
        assert all(is_alive(tmp_path, owner.name) for _ in range(3))


@pytest.mark.parametrize("name", ["", "../queue", "a" * 32, "A" * 32, "queue.sqlite"])
def test_a_name_that_is_not_an_owner_s_touches_no_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "owners"
    folder.mkdir()
    (tmp_path / "queue.lock").touch()
    (folder / f"{'A' * 32}.lock").touch()
    assert not is_alive(folder, name)
    assert (tmp_path / "queue.lock").exists()
    assert (folder / f"{'A' * 32}.lock").exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ClipDeskError, match="cannot be written to: permission denied"):
        Owner(tmp_path / "owners")
    tmp_path.chmod(0o700)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "owners").touch()
    with pytest.raises(ClipDeskError, match=r"The queue's folder .*owners cannot be written to: file exists"):
        Owner(tmp_path / "owners")
