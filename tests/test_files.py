import sys
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.files import check_readable, read_bytes


def test_a_file_may_be_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(bytes(2_000_000))
    with pytest.raises(UsageError, match="more than 1 MB"):
        check_readable(tmp_path / "a.npy", 1_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these files")
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin", "/proc/self", "a\0b", "x" * 300, "y/" * 2_000])
def test_what_is_not_a_regular_file_is_refused_in_one_line(path: str) -> None:
    with pytest.raises(UsageError, match=r"^Cannot read") as error:
        read_bytes(Path(path))
    assert "\n" not in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these files")
def test_no_more_is_read_than_allowed_whatever_size_a_file_claims() -> None:
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(UsageError, match="has more than"):
        read_bytes(Path("/proc/self/maps"), 10)
