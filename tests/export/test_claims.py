import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipdesk.errors import ClipDeskError
from clipdesk.export.claims import FolderClaims, claims_of

HOLDER = (
    "import sys; from pathlib import Path; from clipdesk.export.claims import claims_of;"
    "print(*claims_of(Path(sys.argv[1])).take(sys.argv[2:]), flush=True); sys.stdin.readline()"
)


def holder(folder: Path, *keys: str) -> tuple["subprocess.Popen[str]", list[str]]:
    """Another process that claims keys, and keeps them until it is killed or told to end; what it has got."""
    command = [sys.executable, "-c", HOLDER, str(folder), *keys]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()


def test_what_another_process_has_claimed_is_not_granted_before_it_dies(tmp_path: Path) -> None:
    claims = claims_of(tmp_path)
    assert claims.take(["a"]) == ["a"]
    other, got = holder(tmp_path, "a", "b", "c")
    try:
        assert got == ["b", "c"]
        assert claims.take(["b", "d"]) == ["d"]
        claims.release(["d"])
        with pytest.raises(TimeoutError), claims.alone("c", 0.1):
            pass
    finally:
        other.kill()
        other.communicate()
    assert claims.take(["b", "c"]) == ["b", "c"]
    claims.release(["a", "b", "c"])


def test_a_claim_is_not_granted_twice_within_a_process(tmp_path: Path) -> None:
    claims = claims_of(tmp_path)
    assert claims.take(["a", "a"]) == ["a"]
    claims.release(["a"])
    assert claims.take(["a"]) == ["a"]
    claims.release(["a"])


def test_every_way_to_name_a_folder_gives_the_same_claims(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert claims_of(tmp_path / "link" / ".") is claims_of(tmp_path)


def test_the_file_goes_when_nobody_claims_anything_and_claims_still_exclude_each_other(tmp_path: Path) -> None:
    claims = claims_of(tmp_path)
    claims.take(["a"])
    claims.tidy()
    assert list(tmp_path.iterdir())
    claims.release(["a"])
    other, got = holder(tmp_path, "b")
    try:
        claims.tidy()
        assert list(tmp_path.iterdir()), "another process claims something"
    finally:
        other.kill()
        other.communicate()
    # A process that was killed leaves the file to the next one.
    claims.release(claims.take(["c"]))
    claims.tidy()
    assert not list(tmp_path.iterdir())
    other, got = holder(tmp_path, "a")
    try:
        assert got == ["a"]
        assert claims.take(["a", "b"]) == ["b"], "the handle is of the file that was removed"
    finally:
        other.kill()
        other.communicate()
    claims.release(["b"])


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ClipDeskError, match="Choose another place"):
        FolderClaims(tmp_path).take(["a"])


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClipDeskError, match="Choose another folder"):
        claims_of(tmp_path / "gone")
