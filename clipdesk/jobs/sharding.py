"""A worker's side of a survey that is divided: the shards that it has claimed, as events."""

from __future__ import annotations

from collections.abc import Iterator

from clipdesk.activations.shards import Part, read_shard
from clipdesk.activations.surveying import check_memory
from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.jobs.events import Done, Event, PartRead, ShardPiece
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.shard_work import ShardWork
from clipdesk.network.opened import OpenModel


class ShardReader:
    """Reads shards. The image set stays open between them: a large one takes long to open."""

    def __init__(self) -> None:
        self._images: ImageSet | None = None

    def prepare(self, opened: OpenModel, job: ShardWork, hooks: Hooks) -> None:
        """Check that this process can read a job's shards.

        Raises:
            UsageError: there is no such set, or it is another one here than where the head is.
            ClipDeskError: there is too little memory.
        """
        self._open(job, hooks)
        check_memory(opened, job.layers)

    def _open(self, job: ShardWork, hooks: Hooks) -> ImageSet:
        """The image set, as the head knows it.

        Raises:
            UsageError: there is none; or it is another one here than where the head is.
        """
        if self._images is None or (self._images.source, self._images.fingerprint) != (job.images, job.fingerprint):
            hooks.stage(f"Opening {job.images} …")
            self._images = open_image_set(job.images)
        if self._images.fingerprint != job.fingerprint:
            self._images = None
            raise UsageError(f"{job.images} does not hold the images there that it holds here")
        return self._images

    def events(self, opened: OpenModel, job: ShardWork, hooks: Hooks) -> Iterator[Event]:
        """Read all shards of a claim, one by one.

        Raises:
            UsageError: as `prepare`.
            ClipDeskError: as `read_shard`.
        """
        images = self._open(job, hooks)
        for shard in job.shards:
            for read in read_shard(opened, images, job.layers, job.precision, shard, hooks.stop):
                if isinstance(read, Part):
                    yield PartRead(shard, read.done, tuple(read.thumbnails))
                else:
                    yield ShardPiece(shard, read.done, read.start, read.data)
            yield Done(shard)
            if hooks.stop():
                return
