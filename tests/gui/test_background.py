import time
from functools import partial

from pytestqt.qtbot import QtBot

from clipdesk.gui.background import Background


def test_things_are_done_in_their_order_and_urgent_ones_first(qtbot: QtBot) -> None:
    for _ in range(20):
        background = Background()
        done: list[int] = []

        def work(number: int, done: list[int] = done) -> None:
            time.sleep(0.0002 * (number % 3))
            done.append(number)

        for number in range(40):
            background.start(partial(work, number))
            if number % 7 == 0:
                # The thread comes to rest, and is woken.
                time.sleep(0.002)
        background.wait()
        assert done == list(range(40))
    background.start(lambda: time.sleep(0.05))
    background.start(lambda: done.append(-1), urgent=False)
    background.start(lambda: done.append(-2))
    background.wait()
    assert done[-2:] == [-2, -1]
