from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.render.files import check_readable


def test_a_file_may_be_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(bytes(2_000_000))
    with pytest.raises(UsageError, match="more than 1 MB"):
        check_readable(tmp_path / "a.npy", 1_000_000)
