import os
from pathlib import Path

import pytest

from benchmarks.shared_folder import Round, play


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot fork")
@pytest.mark.parametrize(("processes", "queues"), [(3, 3), (2, 1)])
def test_queues_that_share_a_folder_make_each_picture_once(tmp_path: Path, processes: int, queues: int) -> None:
    assert play(tmp_path, processes, queues, units=12) == Round(processes, queues, 0, 0, 0, 0)
