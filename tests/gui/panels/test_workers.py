"""Workers as rows: what each does, which are lost and why, and the page of their cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from clipdesk.gui.item_models.jobs import DETAIL_ROLE, SHARE_ROLE, TONE_ROLE, WRONG
from clipdesk.gui.item_models.workers import WorkersModel, describe_head, groups_of
from clipdesk.gui.panels.workers import WorkersPanel
from clipdesk.gui.words import inside
from clipdesk.jobs.heads import Head, HeadRow, Reached, WorkerRow

READY = WorkerRow(name="GPU 0", node="n1", device="H200", state="ready", busy=8, pace=12.04)
IDLE = WorkerRow(name="GPU 1", node="n1", device="H200", state="ready")
STARTING = WorkerRow(name="GPU 2")
LOST = WorkerRow(name="GPU 3", node="n2", state="lost", reason="its node is gone")
CLUSTER = Head(
    "a",
    HeadRow(place="ray:h:1", jobs=(4,), workers=(READY, IDLE, STARTING, LOST), dashboard="http://h:8265"),
    alive=True,
)
ALONE = Head("b", HeadRow(place="here", host="desk", process=77, jobs=(9,)), alive=True)


def texts(model: WorkersModel, role: int) -> list[object]:
    return [model.index(row).data(role) for row in range(model.rowCount())]


@pytest.fixture
def panel(qtbot: QtBot) -> WorkersPanel:
    panel = WorkersPanel()
    qtbot.addWidget(panel)
    return panel


def test_each_worker_has_a_row_below_its_head(panel: WorkersPanel) -> None:
    panel.show_heads([CLUSTER, ALONE])
    model = panel.model
    assert texts(model, 0) == ["ray:h:1", "GPU 0 on n1", "GPU 1 on n1", "GPU 2", "GPU 3 on n2", "here"]
    assert texts(model, DETAIL_ROLE) == [
        "3 workers, 1 lost, 12.0 pictures/min, job 4",
        "12.0 pictures/min, 8 in hand, H200",
        "waits for work, H200",
        "starting …",
        "lost: its node is gone",
        "its process 77 on desk renders",
    ]
    assert set(texts(model, SHARE_ROLE)) == {None}
    assert [row for row, tone in enumerate(texts(model, TONE_ROLE)) if tone == WRONG] == [4]


def test_tool_tips_say_which_worker_has_which_group(panel: WorkersPanel) -> None:
    busy = READY.model_copy(update={"job": 4, "group": "a:3 and 7 more"})
    others = [busy.model_copy(update={"name": f"GPU {number}", "job": number % 2 + 4}) for number in range(30)]
    head = replace(CLUSTER, row=HeadRow(place="ray:h:1", jobs=(4, 5), workers=(busy, IDLE)))
    panel.show_heads([head])
    tip = panel.model.index(1).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.splitlines()[-1] == "Renders a:3 and 7 more, job 4"
    assert groups_of([head], 4) == "\nGPU 0 on n1: a:3 and 7 more"
    assert groups_of([head], 5) == groups_of([head], None) == ""
    many = replace(head, row=HeadRow(place="ray:h:1", workers=tuple(others)))
    lines = groups_of([many], 5).splitlines()
    assert (len(lines), lines[1], lines[-1]) == (14, "GPU 1 on n1: a:3 and 7 more", "and 3 more workers")


def test_a_head_without_workers_is_starting() -> None:
    assert describe_head(Head("a", HeadRow(place="ray"), alive=True)) == "starting …"


def test_a_worker_that_has_no_room_yet_says_so(panel: WorkersPanel) -> None:
    waits = "Waiting for Ray: no free GPU"
    pending = STARTING.model_copy(update={"reason": waits})
    row = HeadRow(place="ray", workers=(pending, STARTING), reached={4: Reached(stage=waits)})
    panel.show_heads([Head("a", row, alive=True)])
    assert texts(panel.model, DETAIL_ROLE) == [inside(waits), inside(waits), "starting …"]
    panel.show_heads([Head("a", row.model_copy(update={"workers": (pending, IDLE)}), alive=True)])
    assert texts(panel.model, DETAIL_ROLE) == ["2 workers", inside(waits), "waits for work, H200"]


def test_a_head_that_waits_for_a_scheduler_says_for_what() -> None:
    row = HeadRow(place="slurm:jobs=2", reached={4: Reached(stage="Waiting for SLURM's job 7: 2 pending (Resources)")})
    waits = "waiting for SLURM's job 7: 2 pending (Resources)"
    assert describe_head(Head("a", row, alive=True)) == waits
    again = row.model_copy(update={"jobs": (4,), "workers": (LOST,)})
    assert describe_head(Head("a", again, alive=True)) == f"{waits}, 1 lost, job 4"
    there = again.model_copy(update={"workers": (LOST, IDLE)})
    assert describe_head(Head("a", there, alive=True)) == "1 worker, 1 lost, job 4"


def test_a_head_whose_workers_somebody_must_start_says_how() -> None:
    head = Head("a", HeadRow(place="spool:/shared/spool"), alive=True)
    assert describe_head(head) == "waits for: clipdesk worker --spool '/shared/spool'"


def test_the_panel_is_there_while_there_are_heads(panel: WorkersPanel) -> None:
    assert panel.isHidden()
    panel.show_heads([CLUSTER])
    assert not panel.isHidden()
    panel.list.setCurrentIndex(panel.model.index(2))
    panel.show_heads([CLUSTER])
    assert panel.list.currentIndex().row() == 2, "what is chosen stays"
    panel.show_heads([])
    assert panel.isHidden()


def test_a_cluster_with_a_page_has_a_link_to_it(panel: WorkersPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(QUrl(url).toString()))
    panel.show_heads([ALONE, CLUSTER])
    assert not panel.dashboard_action.isVisible(), "the first one has none"
    panel.list.setCurrentIndex(panel.model.index(2))
    assert panel.dashboard_action.isVisible()
    panel.dashboard_action.trigger()
    assert opened == ["http://h:8265"]


def test_the_chosen_head_is_asked_to_stop(panel: WorkersPanel) -> None:
    asked: list[Head] = []
    panel.stop_asked.connect(asked.append)
    panel.show_heads([ALONE, CLUSTER])
    panel.stop_action.trigger()
    panel.list.setCurrentIndex(panel.model.index(3))
    panel.stop_action.trigger()
    assert asked == [ALONE, CLUSTER]
