from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its checkpoint."""
    return tmp_path / "mine.pt"
