import time

import pytest

from clipdesk.models.transfer import Meter, Transfer


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((120_000_000, 353_000_000, 11_650_000.0), "120 of 353 MB, 12 MB/s, 20 s left"),
        ((120_000_000, 353_000_000, 1_950_000.0), "120 of 353 MB, 1.9 MB/s, 119 s left"),
        ((120_000_000, 353_000_000, 950_000.0), "120 of 353 MB, 950 kB/s, 4 min left"),
        ((0, 1_348_000_000, 50_000.0), "0 of 1348 MB, 50 kB/s, 7 h left"),
        ((3_000_000, None, 2_000_000.0), "3 MB, 2.0 MB/s"),
        ((3_000_000, 353_000_000), "3 of 353 MB"),
        ((0, None, 0.0, "connecting"), "connecting"),
        ((3_000_000, 353_000_000, 0.0, "again in 4 s"), "3 of 353 MB, again in 4 s"),
    ],
)
def test_a_transfer_is_a_line(values: tuple[int], text: str) -> None:
    assert str(Transfer("ViT-B/32", *values)) == f"Downloading ViT-B/32 … {text}"


def test_speed_is_that_of_the_last_seconds_and_told_five_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Transfer] = []
    meter = Meter("x", told.append)
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for step in range(161):
        now = step / 8
        meter.show(step * (125 if step < 100 else 250), 100_000)
    assert len(told) == 81
    assert told[20].speed == pytest.approx(1000)
    assert told[-1].speed == pytest.approx(2000)
    assert told[-1].seconds_left == pytest.approx(30)
    meter.stop()
    meter.show(50_000, 100_000, always=True)
    assert told[-1].speed == 0
