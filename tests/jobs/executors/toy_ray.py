"""A Ray that tests make up: two nodes of two GPUs, whose actors do what a test says."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class DiedError(Exception):
    """An actor has died."""


@dataclass(eq=False)
class Answer:
    """What `hear` will give: nothing yet, messages, or an error."""

    said: list[bytes] | DiedError | None = None


@dataclass(eq=False)
class Actor:
    """An actor, and its open questions."""

    node: str
    asked: list[Answer] = field(default_factory=list)
    killed: bool = False

    @property
    def hear(self) -> SimpleNamespace:
        """The method."""
        return SimpleNamespace(remote=self._hear)

    def _hear(self, _seconds: float) -> Answer:
        self.asked.append(Answer())
        return self.asked[-1]


class ToyRay(ModuleType):
    """The module `ray`.

    Attributes:
        alive: Names of the nodes that are alive.
        free: GPUs that nobody has.
        actors: Those that were started.
        may_answer: Whether it answers questions about itself; otherwise it hangs.
    """

    def __init__(self) -> None:
        super().__init__("ray")
        self.alive = ["n1", "n2"]
        self.free = 4.0
        self.actors: list[Actor] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.exceptions = SimpleNamespace(RayError=DiedError)

    def is_initialized(self) -> bool:
        """It is."""
        return True

    def nodes(self) -> list[dict[str, Any]]:
        """As Ray's."""
        assert self.may_answer.wait(60)
        return [
            {"Alive": node in self.alive, "NodeID": node, "NodeManagerAddress": "127.0.0.1", "Resources": {"GPU": 2.0}}
            for node in ("n1", "n2")
        ]

    def available_resources(self) -> dict[str, float]:
        """As Ray's."""
        return {"GPU": self.free}

    def remote(self, _kind: type) -> SimpleNamespace:
        """A class of actors."""
        return SimpleNamespace(options=self._options)

    def _options(self, scheduling_strategy: str, **_options: object) -> SimpleNamespace:
        def start(_threads: int) -> Actor:
            self.actors.append(Actor(scheduling_strategy))
            return self.actors[-1]

        return SimpleNamespace(remote=start)

    def wait(self, answers: list[Answer], num_returns: int, timeout: float) -> tuple[list[Answer], list[Answer]]:
        """As Ray's, without waiting."""
        ready = [answer for answer in answers if answer.said is not None][:num_returns]
        return ready, [answer for answer in answers if answer not in ready]

    def get(self, answer: Answer) -> list[bytes]:
        """As Ray's."""
        if isinstance(answer.said, DiedError):
            raise answer.said
        assert answer.said is not None
        return answer.said

    def kill(self, actor: Actor) -> None:
        """As Ray's."""
        actor.killed = True


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> ToyRay:
    """In place of Ray, also where that is not installed."""
    module, strategies = ToyRay(), ModuleType("ray.util.scheduling_strategies")
    vars(strategies)["NodeAffinitySchedulingStrategy"] = lambda node, soft: node
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)
    return module
