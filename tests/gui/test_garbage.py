import gc
import weakref

from PySide6.QtCore import QObject

from clipdesk.gui.garbage import GarbageCollector


class Knot:
    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_collected() -> None:
    parent = QObject()
    garbage = GarbageCollector(parent)
    garbage.collect()
    gone = weakref.ref(Knot())
    garbage.collect()
    garbage.stop()
    assert gone() is None
    assert gc.isenabled()


def test_objects_that_come_in_great_numbers_are_not_collected_again() -> None:
    parent = QObject()
    garbage = GarbageCollector(parent)
    before = gc.get_freeze_count()
    many: list[list[int]] = [[] for _ in range(60_000)]
    garbage.collect()
    assert gc.get_freeze_count() >= before + len(many)
    garbage.stop()
    assert gc.get_freeze_count() == 0
