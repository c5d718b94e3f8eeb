import pytest
from PySide6.QtCore import QMimeData, QModelIndex, Qt
from pytestqt.modeltest import ModelTester

from clipdesk.gui.item_models.queue import QueueModel
from clipdesk.gui.runs import Run
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.render.targets import Unit

MOVE = Qt.DropAction.MoveAction


@pytest.fixture
def queue() -> QueueModel:
    model = QueueModel()
    for number in range(1, 5):
        model.add(Run(number, Job(model="demo", targets=(Unit(layer="a", index=number),))))
    return model


def order(queue: QueueModel) -> list[int]:
    return [run.number for run in queue]


def test_the_queue_is_a_sound_model(queue: QueueModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(queue)


@pytest.mark.parametrize(
    ("dragged", "row", "after"),
    [([4], 0, [4, 1, 2, 3]), ([1], 4, [2, 3, 4, 1]), ([1, 2], 3, [3, 1, 2, 4]), ([2], 2, [1, 2, 3, 4])],
)
def test_dragging_changes_the_order(queue: QueueModel, dragged: list[int], row: int, after: list[int]) -> None:
    data = queue.mimeData([queue.index(number - 1) for number in dragged])
    assert queue.canDropMimeData(data, MOVE, row, 0, QModelIndex())
    queue.dropMimeData(data, MOVE, row, 0, QModelIndex())
    assert order(queue) == after


def test_only_waiting_jobs_can_be_dragged(queue: QueueModel) -> None:
    next(iter(queue)).state = Status.RUNNING
    assert not queue.flags(queue.index(0)) & Qt.ItemFlag.ItemIsDragEnabled
    assert queue.flags(queue.index(1)) & Qt.ItemFlag.ItemIsDragEnabled


def test_foreign_data_is_refused(queue: QueueModel) -> None:
    data = QMimeData()
    data.setText("hello")
    assert not queue.canDropMimeData(data, MOVE, 0, 0, QModelIndex())
    assert not queue.dropMimeData(data, MOVE, 0, 0, QModelIndex())
    assert order(queue) == [1, 2, 3, 4]
