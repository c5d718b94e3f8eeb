"""The pictures of a survey as they are shown: from the image set, or from thumbnails where that is away."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from PIL import Image

from clipdesk.activations.storing import read_thumbnail
from clipdesk.activations.survey import Survey
from clipdesk.errors import ClipDeskError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.reading import decode_image
from clipdesk.imagesets.sets import ImageSet


class ShownPictures:
    """The pictures of a survey, as squares.

    Args:
        folder: The survey's folder.
        survey: The survey.
        side: Side of the squares, in pixels.
    """

    def __init__(self, folder: Path, survey: Survey, side: int) -> None:
        self._folder, self._survey, self._side = folder, survey, side
        self.from_thumbnails = 0
        """How many were read from thumbnails, since the set is away or has another picture in this place."""
        try:
            self._images: ImageSet | None = open_image_set(survey.source)
        except ClipDeskError:
            self._images = None

    def read(self, picture: int) -> Image.Image | None:
        """A picture by its index in the survey; None where neither it nor its thumbnail can be read."""
        found = self._original(picture)
        if found is None:
            self.from_thumbnails += 1
            webp = read_thumbnail(self._folder, self._survey.pictures[picture].place)
            try:
                found = None if webp is None else decode_image(webp, "a thumbnail")
            except ClipDeskError:
                found = None
        return None if found is None else fitted(found, self._side)

    def _original(self, picture: int) -> Image.Image | None:
        if self._images is None:
            return None
        known = self._survey.pictures[picture]
        pictures = self._images.pictures
        index = bisect_left(pictures, known.place, key=lambda each: each.place)
        if index == len(pictures) or pictures[index].place != known.place:
            return None
        try:
            read = self._images.read(index, self._side)
        except ClipDeskError:
            return None
        return read.image if known.id.startswith(f"{read.sha256[:16]}:") else None
