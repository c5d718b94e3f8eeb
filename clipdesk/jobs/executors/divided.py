"""DividedPass: the pass of a survey whose pictures are read by workers, in shards."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from clipdesk.activations.decoding import Thumbnail
from clipdesk.activations.scan import Scanned, ScanState, batch_on, new_state, precision_for, waiting_for
from clipdesk.activations.shards import ShardFiles, size_of_shards
from clipdesk.activations.sums import bytes_of
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.imagesets.sets import ImageSet
from clipdesk.jobs.events import Done, Failure, PartRead, ShardPiece
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors.roster import Roster
from clipdesk.jobs.executors.rounds import Limits, Round, measured_by
from clipdesk.jobs.shard_work import Shard, ShardWork
from clipdesk.network.opened import OpenModel


class DividedPass:
    """Has workers read an image set, and adds up what they find in the order of the set. It is used once.

    The head alone writes files. A shard that has come is kept as a file until it is part of a checkpoint, so that
    neither a worker's end nor the head's costs more than the shards that were being read.

    Args:
        roster: The workers.
        hooks: As of the executor.
        device: Where workers compute.
        limits: How workers are used.
        clock: Seconds.
    """

    def __init__(self, roster: Roster, hooks: Hooks, device: str, limits: Limits, clock: Callable[[], float]) -> None:
        self._roster = roster
        # Units of the queue are none of its business.
        self._hooks = replace(hooks, more=lambda _: None)
        self._device = device
        # One after the other, so that a worker has the sums of one shard in memory, and its end costs one.
        self._limits = replace(limits, at_once=1)
        self._clock = clock
        self._thumbnails: list[Thumbnail] = []
        self._reading: dict[Shard, int] = {}
        self._failure = ""

    def __call__(
        self, opened: OpenModel, images: ImageSet, layers: Sequence[str], state: ScanState, folder: Path
    ) -> Generator[Scanned, None, None]:
        """As `surveying.Divided`.

        Raises:
            NoWorkersError: there is no worker any more.
            ClipDeskError: no worker can read the set; a shard failed again and again; there is no room on the disk.
        """
        total = len(images.pictures)
        waiting = waiting_for(state, range(total))
        known = total - len(waiting)
        files = ShardFiles(folder, waiting)

        def scanned() -> Scanned:
            done = known + files.done + sum(self._reading.values())
            return Scanned(done, total, self._thumbnails, state)

        size = self._size(opened, len(waiting), state, folder)
        while True:
            files.add_up(state, lambda: new_state(opened, layers))
            missing = files.missing(size)
            if not missing:
                break
            with closing(self._read(self._work(opened, images, layers, missing), files)) as reading:
                for _ in reading:
                    files.add_up(state, lambda: new_state(opened, layers))
                    # Who stops is told when what has been reached is here.
                    if not self._hooks.stop():
                        yield scanned()
                        self._thumbnails.clear()
            while self._hooks.stop():
                files.add_up(state, lambda: new_state(opened, layers))
                yield scanned()
            if self._failure:
                raise ClipDeskError(f"{self._failure}. The same command goes on with what was read")
        state.done = total
        state.put_in_order()
        yield scanned()

    def _size(self, opened: OpenModel, pictures: int, state: ScanState, folder: Path) -> int:
        """Pictures of a shard; checks that there is room for them on the disk.

        Raises:
            ClipDeskError: there is not.
        """
        self._roster.start()
        workers = max(1, len(self._roster.hopeful))
        width = len(state.moments.mean)
        size = sum(bytes_of(len(sums.least), width) for sums in state.sums.values())
        # Until the first one is added up, each worker may have given one and be writing another.
        needed, room = 2 * workers * size, shutil.disk_usage(folder).free
        if needed > room:
            raise ClipDeskError(
                f"A survey by {workers} workers needs {needed / 1e6:,.0f} MB for a while on the disk of {folder}, "
                f"and {room / 1e6:,.0f} MB are free. Name fewer layers or workers"
            )
        return size_of_shards(pictures, workers, size, batch_on(opened.device))

    def _work(self, opened: OpenModel, images: ImageSet, layers: Sequence[str], shards: Sequence[Shard]) -> ShardWork:
        if opened.name is None:
            raise UsageError("Workers can only open a model that has a name")
        return ShardWork(
            model=opened.name,
            weights=opened.sha256,
            images=images.source,
            fingerprint=images.fingerprint,
            layers=tuple(layers),
            device=self._device,
            precision=precision_for(opened),
            shards=tuple(shards),
        )

    def _read(self, work: ShardWork, files: ShardFiles) -> Generator[None, None, None]:
        """Have shards read; yields whenever pictures were read, or a shard has come."""
        reached: dict[Shard, int] = {}
        round_ = Round(self._roster, work, measured_by(work), self._hooks, self._limits, self._clock)
        with closing(round_.events()) as events:
            for event in events:
                if isinstance(event, PartRead):
                    self._reading[event.target] = event.done
                    self._thumbnails += [Thumbnail(*each) for each in event.thumbnails]
                    yield
                elif isinstance(event, ShardPiece):
                    files.take(event.target, event.start, event.data)
                    reached[event.target] = event.done
                elif isinstance(event, Done):
                    self._reading.pop(event.target, None)
                    if event.target in reached:
                        files.finish(event.target, reached.pop(event.target))
                    yield
                elif isinstance(event, Failure):
                    self._reading.pop(event.target, None)
                    self._failure = self._failure or event.reason
        self._reading.clear()
