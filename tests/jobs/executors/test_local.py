"""LocalFleet: real processes; they render what is asked for, are ended, and never outlive their head."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from clipdesk.checksums import file_sha256
from clipdesk.errors import ClipDeskError
from clipdesk.export.metadata import BatchMetadata
from clipdesk.export.png import read_recipe
from clipdesk.jobs.events import Failure, Result, Saved
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.local import LocalFleet, gpus, worker_command
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.executors.wire import unpacked
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.models.names import Checkpoint
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER

UNITS = tuple(Unit(layer=VIT_LAYER, index=index) for index in range(6))
LISTENER = """
import sys
from clipdesk.jobs.executors.local import LocalFleet
fleet = LocalFleet(count=1, command=[sys.executable, "-c", {worker!r}])
fleet.start("worker 1")
print(fleet.receive(60)[0][1].decode(), flush=True)
input()
"""
WORKER = """
import os, struct, sys
text = str(os.getpid()).encode()
sys.stdout.buffer.write(struct.pack("<Q", len(text)) + text)
sys.stdout.buffer.flush()
sys.stdin.buffer.read(1)
"""


def job(path: Path) -> Job:
    settings = make_settings(iterations=3, views=1, device="cpu")
    return Job(model=Checkpoint(path), targets=UNITS, settings=settings)


@pytest.fixture
def executor() -> Iterator[Many]:
    with closing(Many(LocalFleet(count=2), Here(), limits=Limits(most=1))) as executor:
        yield executor


def test_two_processes_render_what_this_one_would_and_the_head_saves_it(
    executor: Many, checkpoint: Path, tmp_path: Path
) -> None:
    alone = Here(most=lambda *_: 1)
    expected = {
        event.target: event
        for unit in UNITS
        for event in alone.run(job(checkpoint).of([unit]), Hooks())
        if isinstance(event, Result)
    }
    with closing(QueueService(tmp_path / "queue.sqlite", executor)) as service:
        number = service.add(job(checkpoint), tmp_path / "out")
        saved = [step.event for step in service.steps() if isinstance(step.event, Saved | Failure)]
        assert service.store.get(number).counts == {"done": len(UNITS)}
        assert service.store.get(number).job.weights == file_sha256(checkpoint)
    assert {event.target for event in saved} == set(UNITS)
    for event in saved:
        assert isinstance(event, Saved)
        wanted = expected[event.result.target]
        assert np.array_equal(event.result.image, wanted.image)
        assert event.result.settings == wanted.settings
        recipe = read_recipe(event.path)
        volatile = {"seconds": 0, "date": "x"}
        assert recipe.model_copy(update=volatile) == wanted.recipe.model_copy(update=volatile)
    assert all(member.process and member.host for member in executor.workers)
    records = {member.record for member in executor.workers}
    assert {(record.name, record.node) for record in records} == {
        (f"worker {number}", socket.gethostname()) for number in (1, 2)
    }
    noted = BatchMetadata.open(tmp_path / "out", VIT_LAYER, Checkpoint(checkpoint)).units
    assert {noted[unit.index].worker for unit in UNITS} <= records, "who rendered it is beside the recipe"


def test_a_worker_that_is_killed_is_replaced(executor: Many, checkpoint: Path) -> None:
    events = executor.run(job(checkpoint), Hooks())
    found = [next(events)]
    process = next(iter(executor.workers)).process
    psutil.Process(process).kill()
    found += events
    assert Counter(event.target for event in found if isinstance(event, Result)) == Counter(UNITS)


def test_a_worker_ends_with_a_head_that_is_killed() -> None:
    head = subprocess.Popen(
        [sys.executable, "-c", LISTENER.format(worker=WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert head.stdout is not None
    worker = psutil.Process(int(head.stdout.readline()))
    head.kill()
    head.wait()
    worker.wait(60)
    assert head.stdin is not None
    head.stdin.close()
    head.stdout.close()


def test_a_real_worker_ends_as_soon_as_its_input_does() -> None:
    worker = subprocess.Popen(worker_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with worker:
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(60) == 0


def receive(fleet: LocalFleet) -> tuple[int, bytes | Gone]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if came := fleet.receive(1.0):
            assert len(came) == 1
            return came[0]
    raise AssertionError("nothing has come")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "its process ended with code 3; "),
        (
            "import os; os.kill(os.getpid(), 9)",
            "its process was killed by somebody, or by the system",
        ),
        ("import os; os.kill(os.getpid(), 15)", "its process ended with signal 15"),
        ("print('Welcome to the cluster!')", "its process"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_the_end_of_a_process_is_told_with_its_reason(code: str, reason: str) -> None:
    with closing(LocalFleet(count=1, command=[sys.executable, "-c", code])) as fleet:
        number = fleet.start("worker 1")
        came, gone = receive(fleet)
        assert came == number
        assert isinstance(gone, Gone)
        assert gone.reason.startswith(reason)
        assert ("workers.log may say more" in gone.reason) == (" ended with " in gone.reason)
        fleet.send(number, b"too late")


def test_a_program_that_is_not_there_is_an_error_in_words() -> None:
    fleet = LocalFleet(count=1, command=["/no/such/program"])
    with pytest.raises(ClipDeskError, match="A worker could not be started: No such file"):
        fleet.start("worker 1")


def test_a_process_has_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, struct, sys; text = os.environ['CUDA_VISIBLE_DEVICES'].encode();"
        "sys.stdout.buffer.write(struct.pack('<Q', len(text)) + text); sys.stdout.buffer.flush(); sys.stdin.read()"
    )
    with closing(LocalFleet(["0", "MIG-7"], command=[sys.executable, "-c", code])) as fleet:
        assert fleet.places() == ["GPU 0", "GPU 1"]
        assert fleet.start("GPU 1") == 1
        assert receive(fleet) == (1, b"MIG-7")
    assert LocalFleet(["0", "1"], 3).places() == ["GPU 0, worker 1", "GPU 1, worker 1", "GPU 0, worker 2"]
    assert LocalFleet(count=2).places() == ["worker 1", "worker 2"]


def test_gpus_that_this_process_may_not_use_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus(lambda: 2) == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 5")
    assert gpus(lambda: 2) == ["3", "5"]
    assert gpus(lambda: 0) == []


def test_messages_are_what_a_worker_says_first() -> None:
    with closing(LocalFleet(count=1)) as fleet:
        fleet.start("worker 1")
        _, data = receive(fleet)
        assert isinstance(data, bytes)
        assert unpacked(data).kind == "hello"
        fleet.end(1)
        assert isinstance(receive(fleet)[1], Gone)
