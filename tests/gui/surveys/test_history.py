from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.gui.surveys.history import History


def test_there_is_nowhere_to_go_at_first() -> None:
    history = History()
    assert history.here is None
    assert not history.can_go_back
    assert not history.can_go_forward


def test_one_goes_back_and_forward_as_in_a_browser() -> None:
    history = History()
    for unit in (1, 2, 3):
        history.go(PooledUnit("a", unit))
    assert history.back() == PooledUnit("a", 2)
    assert history.back() == PooledUnit("a", 1)
    assert not history.can_go_back
    assert history.back() == PooledUnit("a", 1)
    assert history.forward() == PooledUnit("a", 2)
    history.go(PooledUnit("b", 9))
    assert not history.can_go_forward
    assert history.back() == PooledUnit("a", 2)


def test_to_stay_is_not_to_go() -> None:
    history = History()
    history.go(PooledUnit("a", 1))
    history.go(PooledUnit("a", 1))
    assert not history.can_go_back
    history.forget()
    assert history.here is None


def test_the_way_is_bounded() -> None:
    history = History()
    for unit in range(500):
        history.go(PooledUnit("a", unit))
    steps = 0
    while history.can_go_back:
        history.back()
        steps += 1
    assert steps == 199
