"""Workers on Ray: one for each GPU of its nodes, or for each core where there are none. Loads Ray when it is used."""

from __future__ import annotations

import importlib
import importlib.util
import ipaddress
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.inquiry import Inquiry

MISSING = "Ray is not installed. Install it with: pip install 'clipdesk[cluster]'"
_ASK_SECONDS = 0.5
"""From one answer about the nodes to the next question."""
_NEWS_SECONDS = 10.0
"""How long the end of a worker is kept back until it is known whether its node has ended."""
_POLL_SECONDS = 10.0
"""How long a worker keeps a question open that asks for what it has to say."""
_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""If it is 0, Ray stays on this computer; otherwise it listens at all addresses."""
_OWN = {
    _LOOPBACK: "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class RayWorker:
    """An actor: a worker on a thread, and two methods that carry its messages.

    Args:
        threads: How many threads torch may use; 0 for as many as it likes.
    """

    def __init__(self, threads: int) -> None:
        self._came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._early: dict[int, bytes] = {}
        self._next = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._work, args=(threads,), daemon=True).start()

    def _work(self, threads: int) -> None:
        try:
            # By name, since this module is loaded by the head as well, which needs no torch for it.
            pipe = importlib.import_module("clipdesk.jobs.executors.pipe")
            pipe.work_through_queues(self._came, self._said, threads)
        finally:
            # Whatever has ended it: the head sees that the actor has died.
            os._exit(1)

    def tell(self, place: int, data: bytes) -> None:
        """Take a message; Ray may bring them in another order than they were sent in, so each says its place."""
        with self._lock:
            self._early[place] = data
            while self._next in self._early:
                self._came.put(self._early.pop(self._next))
                self._next += 1

    def hear(self, seconds: float) -> list[bytes]:
        """What it has to say; waits so long at most until there is something."""
        said: list[bytes] = []
        with suppress(queue.Empty):
            said.append(self._said.get(timeout=seconds))
            while True:
                said.append(self._said.get_nowait())
        return said


@dataclass(frozen=True)
class _Place:
    """Where a worker may be: a node, and how many of its GPUs it takes."""

    node: str
    gpus: int


@dataclass(frozen=True)
class _Seen:
    """What Ray has said of its nodes.

    Attributes:
        asked: When it was asked.
        places: Those of nodes that were alive then, by their names.
        lack: What a worker lacks that has not begun; empty where there is room.
    """

    asked: float = float("-inf")
    places: Mapping[str, _Place] = field(default_factory=dict)
    lack: str = ""


class RayFleet:
    """Workers as actors of Ray's.

    Args:
        address: Of a Ray that runs, ``HOST:PORT``; this computer must be one of its nodes. ``auto`` for the one whose
            job this process is: whom that lets in was its own matter. None for one of our own, on this computer alone,
            which ends with the fleet and with this process.

    Attributes:
        dashboard: Address of Ray's page; empty if it has none.

    Raises:
        UsageError: Ray is not installed; the cluster can be reached by anybody.
        ClipDeskError: Ray cannot be started, or there is none at the address.
    """

    def __init__(self, address: str | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UsageError(MISSING)
        if address is None:
            os.environ.update(_OWN)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        self._ray: Any = importlib.import_module("ray")
        self._actors: dict[int, Any] = {}
        self._hearing: dict[Any, int] = {}
        self._told: dict[int, int] = {}
        self._begun: set[int] = set()
        self._ended: list[tuple[int, Gone, float]] = []
        self.dashboard = ""
        self._ours = not self._ray.is_initialized()
        if self._ours:
            self._connect(address)
        try:
            if address != "auto":
                check_closed(self._nodes(), os.environ)
        except UsageError:
            self.close()
            raise
        self._seen = _Seen()
        self._look()
        # On a thread of its own from now on: Ray may hang, and must not take the head along.
        self._inquiry = Inquiry(self._look, "Ray", _ASK_SECONDS)

    def _connect(self, address: str | None) -> None:
        options: dict[str, object] = {"address": address or "local"}
        if address is None:
            options["include_dashboard"] = False
        if os.environ.get(_LOOPBACK) == "0":
            # Otherwise this process tells the nodes an address at which they do not find it.
            options["_node_ip_address"] = "127.0.0.1"
        try:
            found = self._ray.init(**options, log_to_driver=False, logging_level="ERROR")
            url = getattr(found, "dashboard_url", "")
            self.dashboard = f"http://{url}" if url else ""
        except (OSError, ValueError, RuntimeError, TimeoutError) as error:
            raise ClipDeskError(f"Ray could not be reached or started: {one_line(error, 200)}") from error

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def places(self) -> Sequence[str]:
        """As `Fleet.places`: those of nodes that were alive when Ray has answered last; returns at once."""
        self._inquiry.answer()
        return list(self._seen.places)

    def _look(self) -> str:
        """Ask for the nodes; what became of that, in a few words."""
        asked = time.monotonic()
        try:
            nodes, free = self._nodes(), self._ray.available_resources()
        except (self._ray.exceptions.RayError, RuntimeError, OSError) as error:
            return f"its nodes are not known: {one_line(error)}"
        found: dict[str, _Place] = {}
        on_gpus = any(node["Resources"].get("GPU") for node in nodes)
        resource = "GPU" if on_gpus else "CPU"
        for node in nodes:
            count = int(node["Resources"].get(resource, 0))
            for i in range(count):
                kind = f"GPU {i}" if on_gpus else f"worker {i + 1}"
                found[f"{kind} of node {node['NodeID'][:8]}"] = _Place(node["NodeID"], int(on_gpus))
        self._seen = _Seen(asked, found, "" if free.get(resource, 0) >= 1 else f"no free {resource}")
        return self._seen.lack or f"a {resource} is free"

    def awaited(self) -> str:
        """As `Fleet.awaited`: there are none but those of `places`."""
        return ""

    def start(self, place: str) -> int:
        """As `Fleet.start`."""
        at = self._seen.places.get(place)
        if at is None:
            raise ClipDeskError("its node is gone")
        number = len(self._actors) + 1
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        actor = self._ray.remote(RayWorker).options(
            num_gpus=at.gpus,
            num_cpus=0 if at.gpus else 1,
            # One to listen, one to speak, and one to spare.
            max_concurrency=3,
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(at.node, soft=False),
        )
        self._actors[number] = actor.remote(0 if at.gpus else 1)
        self._told[number] = 0
        # The first answer comes as soon as Ray has had room for it.
        self._listen(number, 0.0)
        return number

    def _listen(self, number: int, seconds: float) -> None:
        self._hearing[self._actors[number].hear.remote(seconds)] = number

    def lacks(self, number: int) -> str:
        """As `Fleet.lacks`: Ray starts no worker on a GPU or core that somebody else has."""
        if number in self._begun or not self._seen.lack:
            return ""
        return f"Waiting for Ray: {self._inquiry.answer()}"

    def send(self, number: int, data: bytes) -> None:
        """As `Fleet.send`."""
        # What becomes of it is seen when nothing more is heard.
        self._actors[number].tell.remote(self._told[number], data)
        self._told[number] += 1

    def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
        """As `Fleet.receive`."""
        came: list[tuple[int, bytes | Gone]] = []
        waiting = list(self._hearing)
        if not waiting:
            time.sleep(seconds)
        elif self._ray.wait(waiting, num_returns=1, timeout=seconds)[0]:
            for answer in self._ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]:
                number = self._hearing.pop(answer)
                try:
                    came += [(number, data) for data in self._ray.get(answer)]
                except self._ray.exceptions.RayError as error:
                    self._ended.append((number, Gone(_reason(error)), time.monotonic()))
                else:
                    self._begun.add(number)
                    self._listen(number, _POLL_SECONDS)
        return [*came, *self._gone()]

    def _gone(self) -> list[tuple[int, Gone]]:
        """The workers that have ended, once it is known whether their places have: others are started there."""
        now, seen = time.monotonic(), self._seen.asked
        known = [each for each in self._ended if each[2] < seen or now - each[2] > _NEWS_SECONDS]
        self._ended = [each for each in self._ended if each not in known]
        return [(number, gone) for number, gone, _ in known]

    def end(self, number: int) -> None:
        """As `Fleet.end`."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._actors[number])

    def close(self) -> None:
        """As `Fleet.close`; a Ray of our own ends."""
        for number in self._actors:
            self.end(number)
        if self._ours:
            self._ray.shutdown()


def check_closed(nodes: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> None:
    """Check that a cluster lets in only who may use it: whoever reaches an open one can run programs on it.

    Raises:
        UsageError: it is reached through the network, without a token and without TLS.
    """
    if environment.get("RAY_AUTH_MODE") == "token" or environment.get("RAY_USE_TLS") == "1":
        return
    for node in nodes:
        if not is_loopback(str(node["NodeManagerAddress"])):
            raise UsageError(
                f"The Ray at {node['NodeManagerAddress']} lets in everybody who reaches it. Start it with a token "
                "(RAY_AUTH_MODE=token) or with TLS (RAY_USE_TLS=1), and set the same here"
            )


def is_loopback(address: str) -> bool:
    """Whether only this computer can reach an address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _reason(error: Exception) -> str:
    """Why an actor is gone: Ray says so in its last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return one_line(lines[-1] if lines else type(error).__name__, 200)
