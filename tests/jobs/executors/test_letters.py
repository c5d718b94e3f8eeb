"""Letters in a folder: whole or not there, in order, and only from those who may write."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.jobs.executors import letters
from clipdesk.jobs.executors.letters import Inbox, Outbox, Watch, open_spool, read_beat, write_aside, write_beat
from clipdesk.jobs.executors.wire import Message

posix = pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")


def sent(box: Path, *kinds: str, to: str = "me", sender: str = "you") -> Outbox:
    outbox = Outbox(box, to, sender)
    for kind in kinds:
        outbox.put(Message(kind))
        outbox.write()
    return outbox


def taken(inbox: Inbox) -> list[tuple[str, list[str] | None]]:
    return [(sender, None if found is None else [each.kind for each in found]) for sender, found in inbox.take()]


def test_letters_are_taken_once_and_in_each_senders_order(tmp_path: Path) -> None:
    outbox = sent(tmp_path, "one", "two")
    outbox.put(Message("three"))
    outbox.put(Message("four"))
    outbox.write()
    sent(tmp_path, "five", sender="they")
    assert outbox.unread
    inbox = Inbox(tmp_path, "me")
    assert sorted(taken(inbox)) == [("they", ["five"]), ("you", ["one"]), ("you", ["three", "four"]), ("you", ["two"])]
    assert not outbox.unread
    assert inbox.emptied
    assert taken(inbox) == []
    assert list(tmp_path.iterdir()) == []


def test_a_letter_that_is_missing_between_is_waited_for(tmp_path: Path) -> None:
    sent(tmp_path, "one", "two", "three")
    late = (tmp_path / "me.you.00000001").rename(tmp_path / ".late")
    inbox = Inbox(tmp_path, "me")
    assert taken(inbox) == [("you", ["one"])]
    late.rename(tmp_path / "me.you.00000001")
    assert taken(inbox) == [("you", ["two"]), ("you", ["three"])]


def test_what_is_half_written_is_not_seen_and_nothing_is_left_of_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".me.you.00000000").write_bytes(b"half")
    assert taken(Inbox(tmp_path, "me")) == []

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    outbox = Outbox(tmp_path, "me", "they")
    outbox.put(Message("one"))
    with pytest.raises(OSError, match="No space left"):
        outbox.write()
    monkeypatch.undo()
    assert {each.name for each in tmp_path.iterdir()} == {".me.you.00000000"}
    outbox.write()
    assert taken(Inbox(tmp_path, "me")) == [("they", ["one"])]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:4], lambda _: b"Welcome, stranger!"])
def test_what_is_no_letter_is_said_to_be_none(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    sent(tmp_path, "one")
    path = tmp_path / "me.you.00000000"
    path.write_bytes(damage(path.read_bytes()))
    assert taken(Inbox(tmp_path, "me")) == [("you", None)]


def test_letters_to_an_earlier_owner_are_removed(tmp_path: Path) -> None:
    sent(tmp_path, "one", to="other")
    (tmp_path / "notes.txt").write_text("mine")
    write_beat(tmp_path, {"beat": 1})
    assert taken(Inbox(tmp_path, "me")) == []
    assert {each.name for each in tmp_path.iterdir()} == {"notes.txt", "beat"}


def test_letters_of_one_that_was_given_up_are_removed_also_those_that_come_late(tmp_path: Path) -> None:
    outbox = sent(tmp_path, "one", "two")
    inbox = Inbox(tmp_path, "me")
    taken(inbox)
    inbox.forget("you")
    outbox.write()
    sent(tmp_path, "three", sender="they")
    assert taken(inbox) == [("they", ["three"])]
    assert list(tmp_path.iterdir()) == []


def test_what_killed_writers_have_left_half_written_is_removed(tmp_path: Path) -> None:
    for name in (".other.you.00000000", ".me.gone.00000003", ".me.you.00000000", ".beat"):
        (tmp_path / name).write_bytes(b"half")
    inbox = Inbox(tmp_path, "me")
    inbox.forget("gone")
    assert taken(inbox) == []
    # Somebody who lives may be writing these.
    assert {each.name for each in tmp_path.iterdir()} == {".me.you.00000000", ".beat"}


def test_a_letter_that_a_scanner_holds_open_is_taken_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    sent(tmp_path, "one", "two")
    sent(tmp_path, "three", to="other")
    inbox = Inbox(tmp_path, "me", lambda: now)

    def held(*_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", held)
        assert taken(inbox) == taken(inbox) == []
    assert taken(inbox) == [("you", ["one"]), ("you", ["two"])], "each once"
    assert list(tmp_path.iterdir()) == []
    sent(tmp_path, "four", sender="they")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", held)
        assert taken(inbox) == []
        now += 60.0
        with pytest.raises(PermissionError):
            taken(inbox)


def test_of_many_letters_only_so_many_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MOST_BYTES", 1)
    sent(tmp_path, "one", "two")
    inbox = Inbox(tmp_path, "me")
    assert taken(inbox) == [("you", ["one"])]
    assert not inbox.emptied
    assert taken(inbox) == [("you", ["two"])]
    assert inbox.emptied


def test_life_is_a_change_and_is_timed_by_this_computers_clock() -> None:
    now = 1_000.0
    watch = Watch(5.0, lambda: now)
    for said in ({}, {"beat": 9}, {"beat": 9}):
        watch.see(said or None)
    assert not watch.lives, "what a dead one has left is no sign of life"
    # Whatever the other's clock says, as one that is years ahead, or runs back.
    watch.see({"beat": 10, "time": 4e9})
    assert watch.lives
    now += 4
    watch.see({"beat": 11, "time": -3.0})
    now += 4
    watch.see({"beat": 11, "time": -3.0})
    assert watch.lives
    now += 2
    assert not watch.lives


def test_a_beat_is_read_or_is_nothing(tmp_path: Path) -> None:
    assert read_beat(tmp_path) == {}
    write_beat(tmp_path, {"beat": 1})
    assert read_beat(tmp_path) == {"beat": 1}
    for text in ("", "[]", "nonsense"):
        write_aside(tmp_path / "beat", text.encode())
        assert read_beat(tmp_path) == {}


@posix
def test_a_spool_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = open_spool(tmp_path / "new" / "spool")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {each.name for each in folder.iterdir()} == {"head", "relays"}
    assert all(each.stat().st_mode & 0o077 == 0 for each in folder.iterdir())
    open_spool(folder)


@posix
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o1777, 0o770])
def test_a_spool_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UsageError, match=r"Others may write to .*spool, and so could command your workers.*chmod go-w"):
        open_spool(folder)


@posix
@pytest.mark.parametrize("box", ["head", "relays"])
def test_a_spool_in_which_others_may_write_letters_is_refused(tmp_path: Path, box: str) -> None:
    (open_spool(tmp_path / "spool") / box).chmod(0o770)
    with pytest.raises(UsageError, match=rf"Others may write to .*{box}, and so could command your workers"):
        open_spool(tmp_path / "spool")


@posix
def test_a_spool_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_spool(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    with pytest.raises(UsageError, match="belongs to another user"):
        open_spool(tmp_path)


def test_a_spool_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used by workers"):
        open_spool(tmp_path / "file")
