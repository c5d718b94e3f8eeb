"""RayFleet: real nodes on this computer, where Ray is installed; what it refuses is tested without it."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.cluster import Nodes
from benchmarks.divided import compare_surveys, loaded
from clipdesk.activations.storing import delete_survey, open_survey
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import survey_images
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.jobs.events import Result
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors import on_ray
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.on_ray import RayFleet, RayWorker, check_closed
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.models.names import Checkpoint
from clipdesk.network.pool import open_model
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.cli.surveys import photos
from tests.conftest import VIT_LAYER
from tests.jobs.executors.toy_fleet import finish_asking
from tests.jobs.executors.toy_ray import DiedError, ToyRay, ray

__all__ = ["ray"]

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
UNITS = tuple(Unit(layer=VIT_LAYER, index=index) for index in range(8))
LOOPBACK = [{"NodeManagerAddress": "127.0.0.1"}, {"NodeManagerAddress": "::1"}]
HEAD = """
from clipdesk.jobs.executors.on_ray import RayFleet
fleet = RayFleet()
number = fleet.start(fleet.places()[0])
while not fleet.receive(1.0):
    pass
print("ready", flush=True)
input()
"""


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'clipdesk\[cluster\]'"):
        RayFleet()


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.2", "example.org"])
def test_a_cluster_that_lets_in_everybody_is_refused(address: str) -> None:
    nodes = [*LOOPBACK, {"NodeManagerAddress": address}]
    with pytest.raises(UsageError, match=f"The Ray at {address} lets in everybody who reaches it"):
        check_closed(nodes, {})
    with pytest.raises(UsageError):
        check_closed(nodes, {"RAY_AUTH_MODE": "disabled", "RAY_USE_TLS": "0"})


def test_a_token_tls_or_loopback_will_do() -> None:
    nodes = [{"NodeManagerAddress": "10.0.0.1"}]
    check_closed(nodes, {"RAY_AUTH_MODE": "token"})
    check_closed(nodes, {"RAY_USE_TLS": "1"})
    check_closed(LOOPBACK, {})


def test_messages_are_taken_in_the_order_in_which_they_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RayWorker, "_work", lambda *_: None)
    worker = RayWorker(1)
    for place in (1, 2, 0, 3):
        worker.tell(place, str(place).encode())
    assert [worker._came.get_nowait() for _ in range(4)] == [b"0", b"1", b"2", b"3"]


def test_the_head_does_not_wait_for_a_ray_that_hangs(ray: ToyRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "_ASK_SECONDS", 0.0)
    with closing(RayFleet()) as fleet:
        places = ["GPU 0 of node n1", "GPU 1 of node n1", "GPU 0 of node n2", "GPU 1 of node n2"]
        assert fleet.places() == places
        finish_asking()
        ray.may_answer.clear()
        assert fleet.places() == fleet.places() == places
        assert [thread.name for thread in threading.enumerate()].count("inquiry") == 1
        number = fleet.start(places[2])
        (actor,) = ray.actors
        assert actor.node == "n2"
        actor.asked[0].said = [b"hello"]
        assert fleet.receive(0) == [(number, b"hello")]
        ray.may_answer.set()
        finish_asking()


def test_a_worker_that_ray_has_no_room_for_says_what_it_lacks(ray: ToyRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "_ASK_SECONDS", 0.0)
    with closing(RayFleet()) as fleet:
        first, second = (fleet.start(place) for place in fleet.places()[:2])
        assert fleet.lacks(second) == "", "there is room"
        finish_asking()
        ray.free = 0.5
        ray.actors[0].asked[0].said = []
        assert fleet.receive(0) == []
        fleet.places()
        finish_asking()
        assert fleet.lacks(first) == "", "it has begun"
        assert fleet.lacks(second) == "Waiting for Ray: no free GPU"
        finish_asking()


def test_the_end_of_a_worker_is_told_when_it_is_known_which_nodes_are_left(
    ray: ToyRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "_ASK_SECONDS", 0.0)
    with closing(RayFleet()) as fleet:
        finish_asking()
        number = fleet.start(fleet.places()[2])
        finish_asking()
        ray.alive.remove("n2")
        ray.actors[0].asked[0].said = DiedError("Its node\nhas died.\n")
        assert fleet.receive(0) == []
        fleet.places()
        finish_asking()
        assert fleet.receive(0) == [(number, Gone("has died."))]
        assert fleet.places() == ["GPU 0 of node n1", "GPU 1 of node n1"]
        with pytest.raises(ClipDeskError, match="its node is gone"):
            fleet.start("GPU 0 of node n2")
        finish_asking()


def test_a_worker_that_ends_while_ray_hangs_is_told_of_after_a_while(
    ray: ToyRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "_NEWS_SECONDS", 0.0)
    with closing(RayFleet()) as fleet:
        number = fleet.start("GPU 0 of node n1")
        ray.actors[0].asked[0].said = DiedError("It was killed.")
        found = [*fleet.receive(0), *fleet.receive(0)]
        assert found == [(number, Gone("It was killed."))]


def job(path: Path) -> Job:
    settings = make_settings(iterations=3, views=1, device="cpu")
    return Job(model=Checkpoint(path), targets=UNITS, settings=settings)


@pytest.fixture
def fleet() -> Iterator[RayFleet]:
    with closing(RayFleet()) as fleet:
        yield fleet


@needs_ray
def test_a_ray_of_our_own_renders_what_this_process_would_and_is_closed_to_the_network(
    fleet: RayFleet, checkpoint: Path
) -> None:
    executor = Many(fleet, Here(), limits=Limits(most=1))
    expected = {
        event.target: event.image
        for unit in UNITS
        for event in Here().run(job(checkpoint).of([unit]), Hooks())
        if isinstance(event, Result)
    }
    found = [event for event in executor.run(job(checkpoint), Hooks()) if isinstance(event, Result)]
    assert Counter(event.target for event in found) == Counter(UNITS)
    assert all(np.array_equal(event.image, expected[event.target]) for event in found)
    ours = {process.pid for process in psutil.Process().children(recursive=True)} | {os.getpid()}
    listening = [each for each in psutil.net_connections("tcp") if each.status == "LISTEN" and each.pid in ours]
    assert listening
    assert {getattr(each.laddr, "ip", "").removeprefix("::ffff:") for each in listening} == {"127.0.0.1"}


@needs_ray
def test_an_actor_that_is_killed_is_replaced(fleet: RayFleet, checkpoint: Path) -> None:
    executor = Many(fleet, Here(), limits=Limits(most=1))
    events = executor.run(job(checkpoint), Hooks())
    found = [next(events)]
    psutil.Process(executor.workers[0].process).kill()
    found += events
    assert Counter(event.target for event in found if isinstance(event, Result)) == Counter(UNITS)


@needs_ray
@pytest.mark.skipif(sys.platform == "win32", reason="Ray has no clusters of several nodes there")
def test_a_survey_over_three_nodes_is_that_of_one_pass(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    opened, images = open_model(checkpoint, "cpu"), open_image_set(photos(tmp_path / "photos", 100, broken=2))
    found: list[Survey] = []
    with closing(Nodes()) as nodes, closing(RayFleet(nodes.address)) as fleet:
        assert len({place.rpartition(" ")[2] for place in fleet.places()}) == 3
        for divided in (None, Many(fleet, Here()).divided(Hooks(), "cpu")):
            *_, end = survey_images(opened, images, [VIT_LAYER], divided=divided)
            assert end.folder is not None
            found.append(loaded(open_survey(end.folder)))
            delete_survey(end.folder)
    compared = compare_surveys(*found)
    assert not compared.different
    assert compared.sums < 1e-6


@needs_ray
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_ray_ends_with_a_head_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", HEAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as head:
        assert head.stdout is not None
        assert head.stdout.readline() == b"ready\n"
        # Its agents, which do nothing, notice a little later.
        left = [each for each in psutil.Process(head.pid).children(recursive=True) if "Agent" not in each.name()]
        assert any("RayWorker" in each.name() for each in left)
        head.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(left, timeout=60)
    assert not alive
