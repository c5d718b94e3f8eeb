"""Every way in which a server, a disk or a person may end a download, against a real server on this machine."""

import errno
import hashlib
import os
import random
import shutil
import ssl
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from filelock import FileLock
from urllib3 import PoolManager
from urllib3.exceptions import SSLError

from clipdesk.errors import Cancelled, ClipDeskError, UsageError
from clipdesk.models import downloads
from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.downloads import MIRROR, Patience, download
from clipdesk.models.transfer import Transfer
from tests.conftest import serve_model
from tests.servers import ModelServer

NAME = "ViT-B/32"
BODY = random.Random(0).randbytes(200_000)
QUICK = Patience(timeout=0.5, pauses=(0.01, 0.01, 0.01))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with serve_model(NAME, BODY, monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / ".cache" / "clip" / "ViT-B-32.pt"


def part_of(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name("ViT-B-32.pt.part")


def fetch() -> Path:
    return download(NAME, patience=QUICK)


def assert_done(target: Path) -> None:
    assert target.read_bytes() == BODY
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_file_is_downloaded_to_where_the_clip_package_looks(server: ModelServer, target: Path) -> None:
    told: list[Transfer] = []
    assert download(NAME, progress=told.append) == target
    assert_done(target)
    assert server.requests == [("/ViT-B-32.pt", None)]
    assert told[0] == Transfer(NAME, 0, note="connecting")
    assert (told[-1].done, told[-1].total, told[-1].share) == (len(BODY), len(BODY), 1.0)


def test_a_file_that_is_there_is_used_without_a_request(server: ModelServer, target: Path) -> None:
    part_of(target)
    target.write_bytes(BODY)
    assert fetch() == target
    assert server.requests == []


def test_a_damaged_file_that_is_there_is_said_and_left(server: ModelServer, target: Path) -> None:
    part_of(target)
    target.write_bytes(BODY[:-1])
    with pytest.raises(ClipDeskError, match=r"ViT-B-32.pt is not the file of ViT-B/32, or damaged.*Delete it") as error:
        fetch()
    assert "\n" not in str(error.value)
    assert target.read_bytes() == BODY[:-1]
    assert server.requests == []


@pytest.mark.parametrize(
    "answers",
    [
        ["cut"],
        ["cut", "cut", "cut", "cut", "cut", "cut"],
        ["long"],
        ["stall"],
        ["silent"],
        [503],
        [429, 500, 502],
        ["cut", 503, "stall"],
        ["cut", "whole"],
        ["cut", "elsewhere"],
        ["cut", "some"],
        ["cut", 416],
        ["cut", "wrong"],
    ],
    ids=str,
)
def test_what_goes_wrong_is_tried_again(server: ModelServer, target: Path, answers: list[str | int]) -> None:
    server.answers += answers
    assert fetch() == target
    assert_done(target)
    assert server.answers == []


def test_the_next_try_asks_for_what_is_missing(server: ModelServer) -> None:
    server.answers.append("cut")
    fetch()
    assert server.requests[1][1] == f"bytes={len(BODY) // 2}-"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([404], "127.0.0.1 answered 404 Not Found"),
        ([403], "answered 403"),
        ([416], "answered 416"),
        ([503] * 4, "answered 503"),
        (["silent"] * 4, "127.0.0.1 sent nothing for 0.5 s"),
        (["wrong"], "is not the right file, its checksum is wrong"),
        (["short"], "is not the right file, its checksum is wrong"),
    ],
    ids=str,
)
def test_what_cannot_be_mended_is_said(
    server: ModelServer, target: Path, answers: list[str | int], reason: str
) -> None:
    server.answers += answers
    with pytest.raises(ClipDeskError) as error:
        fetch()
    message = str(error.value)
    assert message.startswith("Could not download ViT-B/32 (353 MB): ")
    assert reason in message
    assert f"/ViT-B-32.pt at {target}" in message
    assert "\n" not in message
    assert not target.exists()
    assert not part_of(target).exists() or not part_of(target).stat().st_size
    assert server.answers == []


def test_a_server_that_never_gets_further_is_given_up(server: ModelServer, target: Path) -> None:
    server.answers += ["cut", 503, 503, 503]
    with pytest.raises(ClipDeskError, match=r"answered 503.*What has arrived, 0 MB, is kept"):
        fetch()
    assert part_of(target).read_bytes() == BODY[: len(BODY) // 2]
    assert fetch() == target
    assert server.requests[-1][1] == f"bytes={len(BODY) // 2}-"


def test_a_server_that_wants_time_is_given_it(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_LONGEST_WAIT", 0.3)
    server.answers.append(503)
    server.headers["Retry-After"] = "50"
    told: list[Transfer] = []
    start = time.monotonic()
    download(NAME, patience=QUICK, progress=told.append)
    assert time.monotonic() - start >= 0.3
    assert any(note.note.startswith("127.0.0.1 answered 503 Service Unavailable; again in 1 s") for note in told)


def test_one_who_is_offline_hears_what_to_do(monkeypatch: pytest.MonkeyPatch, server: ModelServer) -> None:
    monkeypatch.setenv(MIRROR, "http://127.0.0.1:9")
    with pytest.raises(
        ClipDeskError, match=r"no connection to 127.0.0.1 \(Connection refused\)\. Check the connection, "
    ):
        fetch()
    monkeypatch.setenv(MIRROR, "http://models.invalid")
    with pytest.raises(ClipDeskError, match=r"models.invalid was not found; this computer may be offline"):
        fetch()


def test_a_server_without_a_trusted_certificate(monkeypatch: pytest.MonkeyPatch, server: ModelServer) -> None:
    monkeypatch.setenv(MIRROR, server.address.replace("http", "https"))
    with pytest.raises(ClipDeskError, match=r"no secure connection to 127.0.0.1\. Check the connection"):
        fetch()

    def refuse(*_: object, **__: object) -> NoReturn:
        inner = ssl.SSLCertVerificationError("certificate verify failed")
        inner.verify_message = "self-signed certificate"
        raise SSLError(inner)

    monkeypatch.setattr(PoolManager, "request", refuse)
    with pytest.raises(ClipDeskError, match=r"127.0.0.1 is not trusted \(self-signed certificate\); SSL_CERT_FILE may"):
        fetch()


@pytest.mark.parametrize("left", [BODY[:70_000], BODY], ids=["half", "whole"])
def test_a_part_that_is_there_is_gone_on_from(server: ModelServer, target: Path, left: bytes) -> None:
    part_of(target).write_bytes(left)
    fetch()
    assert_done(target)
    assert [asked for _, asked in server.requests] == ([] if left == BODY else ["bytes=70000-"])


@pytest.mark.parametrize("left", [bytes(70_000), BODY + b"more"], ids=["wrong", "too long"])
def test_a_part_that_is_damaged_is_thrown_away(server: ModelServer, target: Path, left: bytes) -> None:
    part_of(target).write_bytes(left)
    fetch()
    assert_done(target)
    assert server.requests[-1][1] is None


@pytest.mark.parametrize("answer", ["slow", "stall", "silent"])
def test_cancelling_keeps_the_part_for_later(server: ModelServer, target: Path, answer: str) -> None:
    server.answers.append(answer)
    cancel = threading.Event()
    asked: list[float] = []

    def cancelled() -> bool:
        arrived = part_of(target).exists() and server.requests
        if arrived and len(asked) > 5:
            cancel.set()
        asked.append(time.monotonic())
        return cancel.is_set()

    with pytest.raises(Cancelled):
        download(NAME, cancelled=cancelled, patience=Patience(timeout=60.0))
    assert max(b - a for a, b in pairwise(asked)) < 5, "its patience is 60 s"
    kept = part_of(target).read_bytes()
    assert BODY.startswith(kept)
    assert not target.exists()
    server.answers.append("well")
    fetch()
    assert_done(target)
    assert server.requests[-1][1] == (f"bytes={len(kept)}-" if kept else None)


def test_cancelling_while_it_waits_for_the_next_try(server: ModelServer) -> None:
    server.answers.append(503)
    with pytest.raises(Cancelled):
        download(NAME, cancelled=lambda: bool(server.requests), patience=Patience(pauses=(60.0,)))


def test_two_at_once_do_not_meet(server: ModelServer, target: Path) -> None:
    server.answers += ["cut", "slow"]
    told: list[Transfer] = []
    paths: list[Path] = []
    server.body = BODY[:40_000]
    threads = [
        threading.Thread(target=lambda: paths.append(download(NAME, patience=QUICK, progress=told.append)))
        for _ in range(3)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATALOGUE, NAME, CATALOGUE[NAME]._replace(sha256=hashlib.sha256(server.body).hexdigest()))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert paths == [target] * 3
    assert len(server.requests) == 2
    assert target.read_bytes() == server.body
    assert any(note.note == "another program downloads it" for note in told)


def test_a_full_disk_is_one_clear_line(server: ModelServer, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(downloads._Part, "append", full)
        with pytest.raises(ClipDeskError, match=r"Could not save ViT-B/32 .*: No space left on device\. Make room"):
            fetch()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ClipDeskError, match=r"0 MB are needed there, 0 MB are free\. Make room there and try again"):
        fetch()
    assert not target.exists()


def test_a_folder_that_cannot_be_written_to(server: ModelServer, tmp_path: Path) -> None:
    (tmp_path / ".cache").write_text("this is no folder")
    with pytest.raises(
        ClipDeskError, match=r"Could not save ViT-B/32 .*Make its folder writable and try again"
    ) as error:
        fetch()
    assert "\n" not in str(error.value)


def test_a_read_only_folder(server: ModelServer, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, whom the tests may run as, may write everywhere; so the system's answer is played."""

    def denied(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target.parent))

    monkeypatch.setattr(FileLock, "acquire", denied)
    with pytest.raises(ClipDeskError, match=r"Could not save .*: Permission denied\. Make its folder writable"):
        fetch()
    assert server.requests == []


def test_a_server_that_never_ends_does_not_fill_the_disk(
    server: ModelServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_SIZE_MARGIN", 0.001)
    server.answers.append("endless")
    with pytest.raises(ClipDeskError, match=r"is too large, . MB or more"):
        fetch()
    assert not part_of(target).stat().st_size


def test_a_mirror_must_be_an_address(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR, "file:///etc")
    with pytest.raises(UsageError, match="CLIPDESK_MODEL_MIRROR must be an address that begins with http"):
        fetch()


def test_the_environments_proxy_is_asked(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv(MIRROR, "http://models.invalid/clip/")
    fetch()
    assert server.requests == [("http://models.invalid/clip/ViT-B-32.pt", None)]


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9"])
def test_a_proxy_that_is_not_there(server: ModelServer, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(ClipDeskError, match=r"(the proxy does not answer|no connection to 127.0.0.1) \(.*refused"):
        fetch()


IMPATIENT = Patience(timeout=5, pauses=(0.01, 0.01), span=0.3, least=5_000)


@pytest.mark.parametrize("answer", ["drip", "heads"])
def test_a_server_that_trickles_is_given_up(server: ModelServer, target: Path, answer: str) -> None:
    server.answers += [answer] * 20
    started = time.monotonic()
    with pytest.raises(ClipDeskError, match="the server sends less than 17 kB a second"):
        download(NAME, patience=IMPATIENT)
    assert time.monotonic() - started < 5
    assert len(server.requests) == 3
    assert not target.exists()


def test_a_server_that_sends_one_byte_more_each_time_is_given_up(server: ModelServer) -> None:
    server.answers += ["one"] * 1_000
    with pytest.raises(ClipDeskError, match="Could not download"):
        download(NAME, patience=IMPATIENT)
    assert len(server.requests) == 3


def test_a_slow_server_is_waited_for(server: ModelServer, target: Path) -> None:
    server.answers += ["slow"]
    assert download(NAME, patience=IMPATIENT) == target


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
@pytest.mark.parametrize("name", ["ViT-B-32.pt", "ViT-B-32.pt.part"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(server: ModelServer, target: Path, name: str) -> None:
    target.parent.mkdir(parents=True)
    os.mkfifo(target.with_name(name))
    with pytest.raises(ClipDeskError, match=r"is not a regular file\. Delete it") as error:
        download(NAME, patience=IMPATIENT)
    assert "\n" not in str(error.value)


def test_what_a_server_says_cannot_steer_the_terminal(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.responses", {404: ("\x1b[2Jgone\x07", "")})
    server.answers += [404]
    with pytest.raises(ClipDeskError, match=r"answered 404 \\x1b\[2Jgone\\x07"):
        download(NAME, patience=IMPATIENT)
