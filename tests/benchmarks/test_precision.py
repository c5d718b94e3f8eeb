import numpy as np

from benchmarks.precision import compared


def test_a_row_compares_only_active_units() -> None:
    generator = np.random.default_rng(0)
    pictures = generator.random((3, 50))
    exact = np.array([2.0, 4.0, 0.01], dtype=np.float32), pictures
    other = np.array([1.8, 4.0, 5.0], dtype=np.float32), pictures
    # The third's ratio would be 500; its picture counts.
    assert compared(exact, other) == "2 | 0.950 | 0.967 | 5.0 % | 1.00"
    upside_down = compared(exact, (exact[0], 1 - pictures))
    assert upside_down.endswith("| -1.00")
