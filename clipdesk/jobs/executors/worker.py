"""Worker: does what a head asks for, one step of one claim at a time. It touches neither queue nor results' folder.

It is the same wherever it runs; how messages get to it and away from it is another's matter. Imports no torch.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from clipdesk.errors import ClipDeskError, DeviceLostError
from clipdesk.jobs.events import Event, Failure, Progress
from clipdesk.jobs.executor import Executor, Hooks
from clipdesk.jobs.executors.messages import message_of, said
from clipdesk.jobs.executors.versions import greeting
from clipdesk.jobs.executors.wire import Message, unpacked
from clipdesk.jobs.job import Job
from clipdesk.jobs.kinds import FOR_WORKERS, read_work
from clipdesk.jobs.shard_work import ShardWork
from clipdesk.jobs.work import Work
from clipdesk.models.trust import allow

log = logging.getLogger(__name__)

Receive = Callable[[bool], bytes | None]
"""Gives the next message; called with whether to wait for one, and otherwise None if there is none."""


@dataclass(eq=False)
class _Claim:
    """What is being done.

    Attributes:
        message: What was asked.
        events: What happens.
        positions: Where in the claim each of its units is.
        credit: How many more messages the head has room for. Without any, nothing is done: so the head pauses.
        stopped: Whether what has been reached is to do.
        dropped: Whether nobody wants it any more.
        held: Failures that are not said yet: if the device turns out to be lost, it was not the units' fault.
        told: When progress was said last.
    """

    message: Message
    events: Iterator[Event]
    positions: dict[object, int]
    credit: int
    stopped: bool = False
    dropped: bool = False
    held: list[Failure] = field(default_factory=list)
    told: float = 0.0


class Worker:
    """Does claims. Of several it does the one of the newest round that the head has room for the answers of.

    Args:
        executor: What does the work in this process.
        receive: Where messages come from.
        send: Where messages go.
        device: What it computes with, for people.
        wall: Seconds since 1970, as this computer sees it.
    """

    def __init__(
        self,
        executor: Executor,
        receive: Receive,
        send: Callable[[bytes], object],
        device: str = "",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._device = device
        self._wall = wall
        self._executor = executor
        self._receive = receive
        self._send_bytes = send
        self._claims: dict[int, _Claim] = {}
        self._dropped: set[int] = set()
        self._questions: deque[Message] = deque()

    def work(self) -> NoReturn:
        """Greet the head and do what it asks, for as long as this process lives."""
        self.greet()
        while True:
            self.turn()

    def greet(self) -> None:
        """Say what the head must know before it asks for anything."""
        self._send(Message("hello", 0, greeting(self._device)))

    def turn(self) -> None:
        """Take what has come, waiting for it if there is nothing to do, and do one step."""
        self._look(wait=self._next() is None and not self._questions)
        claim = self._next()
        if self._questions:
            self._prepare(self._questions.popleft())
        elif claim is not None:
            self._advance(claim)

    def _next(self) -> _Claim | None:
        able = [claim for claim in self._claims.values() if claim.credit > 0 or claim.stopped]
        # Within a round in the order in which they came; of several rounds the newest, as the older ones are paused.
        return min(able, key=lambda each: (-int(each.message.fields["round"]), each.message.number), default=None)

    def _send(self, message: Message) -> None:
        self._send_bytes(message.packed())

    # Hearing

    def _look(self, wait: bool = False) -> None:
        """Take what has come."""
        while (data := self._receive(wait)) is not None:
            wait = False
            self._take(unpacked(data))

    def _take(self, message: Message) -> None:
        claim = self._claims.get(message.number)
        if message.kind == "welcome":
            for sha256 in message.fields["allowed"]:
                allow(str(sha256))
            self._send(Message("time", 0, {"time": self._wall()}))
        elif message.kind == "prepare":
            self._questions.append(message)
        elif message.kind == "claim":
            self._begin(message)
        elif message.kind == "more" and claim is not None:
            claim.credit += int(message.fields["credit"])
        elif message.kind == "stop" and claim is not None:
            claim.stopped = True
        elif message.kind == "drop":
            self._dropped.add(message.number)
            if claim is not None:
                claim.dropped = claim.stopped = True

    def _is_dropped(self, number: int) -> bool:
        self._look()
        return number in self._dropped

    # Preparing

    def _prepare(self, message: Message) -> None:
        number = message.number
        if number in self._dropped:
            return
        hooks = Hooks(
            transfer=lambda transfer: self._say_stage(number, str(transfer)),
            stage=lambda text: self._say_stage(number, text),
            unwanted=lambda: self._is_dropped(number),
        )
        try:
            prepared = self._executor.prepare(_work_of(message), hooks)
        except Exception as error:
            self._end(number, error)
            return
        fields = {"units": prepared.units, "weights": prepared.weights}
        self._send(Message("prepared", number, fields))

    def _say_stage(self, number: int, text: str) -> None:
        self._send(Message("stage", number, {"text": text}))

    # Working

    def _begin(self, message: Message) -> None:
        job = _work_of(message)
        positions = {unit: i for i, unit in enumerate(job.units)}
        claim = _Claim(message, iter(()), positions, int(message.fields["credit"]))
        hooks = Hooks(
            transfer=lambda transfer: self._say_stage(message.number, str(transfer)),
            stage=lambda text: self._say_stage(message.number, text),
            unwanted=lambda: self._is_dropped(message.number),
            stop=lambda: self._is_stopped(claim),
        )
        claim.events = self._events(job, hooks)
        self._claims[message.number] = claim

    def _events(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        # As a generator, so that even its beginning is done in its turn.
        yield from self._executor.run(job, hooks)

    def _is_stopped(self, claim: _Claim) -> bool:
        self._look()
        return claim.stopped

    def _advance(self, claim: _Claim) -> None:
        """Let a claim do a step."""
        number = claim.message.number
        if claim.dropped:
            self._close(claim)
            return
        try:
            event = next(claim.events)
        except StopIteration:
            self._flush(claim)
            self._close(claim)
            self._send(Message("end", number))
        except Exception as error:
            if not isinstance(error, DeviceLostError):
                self._flush(claim)
            self._close(claim)
            self._end(number, error)
        else:
            self._tell(claim, event)

    def _tell(self, claim: _Claim, event: Event) -> None:
        if isinstance(event, Failure):
            claim.held.append(event)
            return
        self._flush(claim)
        if isinstance(event, Progress):
            # Who watches hundreds of workers has no use for each step of each.
            last = event.step == event.iterations
            now = time.monotonic()
            if now - claim.told < float(claim.message.fields["every"]) and event.images is None and not last:
                return
            claim.told = now
        claim.credit -= 1
        self._send(message_of(event, claim.message.number, claim.positions))

    def _flush(self, claim: _Claim) -> None:
        for failure in claim.held:
            claim.credit -= 1
            self._send(message_of(failure, claim.message.number, claim.positions))
        claim.held.clear()

    def _close(self, claim: _Claim) -> None:
        del self._claims[claim.message.number]
        close = getattr(claim.events, "close", None)
        if close is not None:
            close()

    def _end(self, number: int, error: Exception) -> None:
        if not isinstance(error, ClipDeskError):
            log.error("unexpected", exc_info=error)
        details = "" if isinstance(error, ClipDeskError) else "".join(traceback.format_exception(error))
        self._send(Message("end", number, {**said(error), "details": details}))


def _work_of(message: Message) -> Work:
    job = read_work(message.fields["job"], FOR_WORKERS)
    if isinstance(job, ShardWork) and job.device.startswith("cuda:"):
        return job.model_copy(update={"device": "cuda"})
    if isinstance(job, Job) and job.settings.device.startswith("cuda:"):
        # This process has one GPU, which is the first that it sees.
        return job.model_copy(update={"settings": job.settings.model_copy(update={"device": "cuda"})})
    return job
