import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clipdesk import database
from clipdesk.database import StoreError
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.jobs.job import Job
from clipdesk.jobs.owners import Owner, is_alive
from clipdesk.jobs.rescue import open_store
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, owners_of
from clipdesk.jobs.stored import Claim, StoredUnit
from clipdesk.render.targets import Unit


def job(*indices: int) -> Job:
    return Job(model="demo", targets=tuple(Unit(layer="visual", index=i) for i in indices))


def take(store: JobStore, owner: Owner, size: int, number: int | None = None) -> Claim | None:
    found = store.next(owner, None if number is None else {number})
    return None if found is None else store.claim(owner, size, store.get(found))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "data" / "queue.sqlite")
    yield store
    store.close()


def path_of(store: JobStore) -> Path:
    assert store.path is not None
    return store.path


def owners(store: JobStore) -> Path:
    return owners_of(path_of(store))


@pytest.fixture
def owner(store: JobStore) -> Iterator[Owner]:
    with Owner(owners(store)) as owner:
        yield owner


def test_jobs_come_back(store: JobStore, tmp_path: Path) -> None:
    number = store.add(job(1, 2, 1), tmp_path / "out")
    (found,) = JobStore(store.path).jobs()
    assert found.number == number
    assert found.job == job(1, 2)
    assert found.folder == tmp_path / "out"
    assert found.counts == {"waiting": 2}
    assert found.status is Status.WAITING


def test_what_is_known_already_is_not_read_again(store: JobStore, owner: Owner, tmp_path: Path) -> None:
    first, second = store.add(job(1, 2), tmp_path), store.add(job(3), tmp_path)
    take(store, owner, 1, first)
    assert store.get(first).counts == {"running": 1, "waiting": 1}
    assert [stored.number for stored in store.unfinished(but=[first])] == [second]


def test_units_are_claimed_once_and_in_order(store: JobStore, owner: Owner, tmp_path: Path) -> None:
    first, second = store.add(job(1, 2, 3), tmp_path), store.add(job(4), tmp_path)
    with Owner(owners(store)) as other:
        one, two, three = take(store, owner, 2), take(store, other, 2), take(store, owner, 2)
        assert one is not None
        assert two is not None
        assert three is not None
        assert [claim.stored.number for claim in (one, two, three)] == [first, first, second]
        assert [claim.positions for claim in (one, two, three)] == [(0, 1), (2,), (0,)]
        assert one.job == job(1, 2)
        assert take(store, other, 2) is None


def test_the_work_of_the_dead_is_free_again(store: JobStore, owner: Owner, tmp_path: Path) -> None:
    number = store.add(job(1, 2), tmp_path)
    dead = Owner(owners(store))
    claim = take(store, dead, 1)
    assert claim is not None
    assert is_alive(owners(store), dead.name)
    dead.close()
    assert not is_alive(owners(store), dead.name)
    claim = take(store, owner, 5)
    assert claim is not None
    assert claim.positions == (0, 1)
    assert store.get(number).counts == {"running": 2}


def test_a_name_from_elsewhere_is_no_path(store: JobStore) -> None:
    assert not is_alive(owners(store), "../queue")


def test_units_end_done_or_failed_and_failed_ones_are_tried_again(
    store: JobStore, owner: Owner, tmp_path: Path
) -> None:
    number = store.add(job(1, 2), tmp_path)
    take(store, owner, 2)
    store.finish(number, 0, file="a.png")
    store.finish(number, 1, reason="the disk is full")
    assert store.get(number).status is Status.FAILED
    assert store.units(number) == [
        StoredUnit(0, "done", "a.png", ""),
        StoredUnit(1, "failed", "", "the disk is full"),
    ]
    assert store.retry(number) == 1
    claim = take(store, owner, 2)
    assert claim is not None
    assert claim.positions == (1,)
    store.finish(number, 1, file="b.png")
    assert store.get(number).status is Status.DONE
    assert store.clear() == 1
    assert store.jobs() == []


def test_paused_and_cancelled_jobs_are_left_alone(store: JobStore, owner: Owner, tmp_path: Path) -> None:
    number = store.add(job(1), tmp_path)
    for wish, status in ((Wish.PAUSE, Status.PAUSED), (Wish.CANCEL, Status.CANCELLED)):
        store.wish(number, wish)
        assert store.get(number).status is status
        assert take(store, owner, 1) is None
    store.wish(number, Wish.RUN)
    assert take(store, owner, 1, number + 1) is None
    assert take(store, owner, 1, number) is not None
    store.release(owner)
    assert store.get(number).status is Status.WAITING


def test_the_same_unfinished_job_goes_on(store: JobStore, owner: Owner, tmp_path: Path) -> None:
    number = store.add(job(1), tmp_path)
    store.wish(number, Wish.PAUSE)
    assert store.again(job(2), tmp_path) is None
    assert store.again(job(1), tmp_path, skip=False) is None
    assert store.again(job(1), tmp_path) == number
    assert store.wished(number) is Wish.RUN
    take(store, owner, 1)
    store.finish(number, 0, file="a.png")
    assert store.again(job(1), tmp_path) is None


def test_a_job_with_failed_units_is_not_taken_for_an_unfinished_one(
    store: JobStore, owner: Owner, tmp_path: Path
) -> None:
    number = store.add(job(1, 2), tmp_path)
    take(store, owner, 1)
    store.finish(number, 0, reason="the disk is full")
    assert not store.get(number).finished
    assert store.again(job(1, 2), tmp_path) is None
    store.retry(number)
    assert store.again(job(1, 2), tmp_path) == number


def test_a_job_that_is_not_there(store: JobStore) -> None:
    for act in (store.get, store.retry, lambda number: store.wish(number, Wish.RUN)):
        with pytest.raises(UsageError, match="There is no job 7"):
            act(7)
    assert store.wished(7) is Wish.CANCEL


def test_many_threads_share_the_queue(store: JobStore, tmp_path: Path) -> None:
    number = store.add(job(*range(60)), tmp_path)
    taken: list[int] = []

    def work() -> None:
        mine = JobStore(store.path)
        with Owner(owners(mine)) as owner:
            while claim := take(mine, owner, 4):
                for position in claim.positions:
                    taken.append(position)
                    mine.finish(number, position, file=f"{position}.png")
        mine.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(60))


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_queue_is_waited_for(store: JobStore, tmp_path: Path, lock: str) -> None:
    other = sqlite3.connect(path_of(store), isolation_level=None, check_same_thread=False)
    other.execute(f"BEGIN {lock}")
    timer = threading.Timer(0.5, lambda: other.execute("COMMIT"))
    timer.start()
    JobStore(store.path).close()
    assert store.add(job(1), tmp_path) == 1
    timer.join()
    other.close()


def test_a_queue_that_stays_locked_is_said_and_stays_where_it_is(
    store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    hasty = JobStore(store.path)
    other = sqlite3.connect(path_of(store), isolation_level=None)
    ((version,),) = other.execute("PRAGMA user_version").fetchall()
    other.execute("BEGIN EXCLUSIVE")
    again, notice = open_store(path_of(store))
    assert (again.jobs(), notice) == ([], None), "one that is as it should be can be opened"
    again.close()
    with pytest.raises(StoreError, match=r"cannot be read or written: another program has held it"):
        hasty.add(job(1), tmp_path)
    assert hasty.jobs() == [], "reading goes on"
    other.execute("PRAGMA user_version = 1")
    other.execute("COMMIT")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"cannot be opened: another program has held it for 0\.05 s\. Try again$"):
        open_store(path_of(store))
    other.execute(f"PRAGMA user_version = {version}")
    other.execute("COMMIT")
    other.close()
    assert hasty.add(job(1), tmp_path) == 1
    hasty.close()
    assert [path.name for path in path_of(store).parent.glob("*.sqlite")] == ["queue.sqlite"]


def test_a_queue_on_a_full_disk_is_said_and_takes_no_half_of_a_job(store: JobStore, tmp_path: Path) -> None:
    db = store._db._connection
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreError, match="cannot be read or written: the disk is full"):
        store.add(job(*range(5000)), tmp_path)
    db.execute("PRAGMA max_page_count = 100000")
    assert store.jobs() == []
    store.add(job(*range(5000)), tmp_path)
    assert [stored.counts for stored in store.jobs()] == [{"waiting": 5000}]


def test_a_damaged_queue_is_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    path.write_bytes(b"no database, but quite long enough to look like one" * 40)
    with pytest.raises(ClipDeskError, match="cannot be opened"):
        JobStore(path)
    store, notice = open_store(path)
    assert store.jobs() == []
    assert notice is not None
    (aside,) = tmp_path.glob("queue-*.sqlite")
    assert str(aside) in notice
    assert aside.read_bytes().startswith(b"no database")
    store.close()


def test_a_newer_queue_is_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    store, notice = open_store(path)
    assert notice is not None
    assert "newer ClipDesk (version 99)" in notice
    assert len(list(tmp_path.glob("queue-*.sqlite"))) == 1
    assert open_store(path)[1] is None
    store.close()


def test_a_job_of_another_version_is_left_out(store: JobStore, owner: Owner, tmp_path: Path) -> None:
    store.add(job(1), tmp_path)
    db = sqlite3.connect(path_of(store))
    db.execute("UPDATE jobs SET job = '{\"odd\": 1}'")
    db.commit()
    db.close()
    assert store.jobs() == []
    assert store.unreadable() == [1]
    second = store.add(job(2), tmp_path)
    claim = take(store, owner, 1, second)
    assert claim is not None
    assert claim.stored.number == second


def test_a_new_queue_is_opened_by_several_at_once(tmp_path: Path) -> None:
    for attempt in range(30):
        path, together = tmp_path / str(attempt) / "queue.sqlite", threading.Barrier(4)
        failed: list[object] = []

        def open_it(path: Path = path, together: threading.Barrier = together, failed: list[object] = failed) -> None:
            together.wait()
            try:
                JobStore(path).close()
            except StoreError as error:
                failed.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
