"""Checksums of files: kept while a file stays as it is, and read anew when it has changed."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from clipdesk.checksums import file_sha256, read_sha256


def test_a_checksum_is_the_sha_256_of_all_bytes(tmp_path: Path) -> None:
    content = os.urandom((1 << 20) + 17)
    (tmp_path / "a").write_bytes(content)
    assert file_sha256(tmp_path / "a") == read_sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_another_size_or_time_is_another_state(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = file_sha256(path)
    path.write_bytes(b"other")
    assert file_sha256(path) == hashlib.sha256(b"other").hexdigest() != first


def test_a_reset_mtime_does_not_deceive_read_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = path.stat()
    first = file_sha256(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read_sha256(path) == hashlib.sha256(b"two").hexdigest() != first


@pytest.mark.parametrize("checksum", [file_sha256, read_sha256])
def test_a_file_that_is_gone_is_an_os_error(tmp_path: Path, checksum: Callable[[Path], str]) -> None:
    with pytest.raises(OSError, match="No such file"):
        checksum(tmp_path / "gone")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
def test_only_regular_files_have_a_checksum(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        for checksum in (file_sha256, read_sha256):
            with pytest.raises(OSError, match="not a regular file"):
                checksum(path)
