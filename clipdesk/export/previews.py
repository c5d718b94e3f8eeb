"""Small previews of a survey's pictures for pages that are given to others."""

from __future__ import annotations

from pathlib import Path

from clipdesk.activations.storing import read_thumbnail
from clipdesk.activations.survey import Survey
from clipdesk.errors import ClipDeskError
from clipdesk.export.page_parts import webp
from clipdesk.imagesets.reading import decode_image
from clipdesk.imagesets.suffixes import is_drawn

_QUALITY = 70


class Previews:
    """A survey's pictures, as far as a page may show them.

    Scenes, which ClipDesk has drawn, are always shown, and photos only if the user says so: a page is there to be given
    to others, and photos are the user's own.

    Args:
        folder: The survey's folder, which has thumbnails.
        survey: The survey.
        photos: Whether photos may be shown.
    """

    def __init__(self, folder: Path, survey: Survey, *, photos: bool) -> None:
        self._folder, self._survey = folder, survey
        self.allowed = photos or is_drawn(survey.source)

    def read(self, index: int, side: int) -> str | None:
        """A picture of at most this side as base64 of a WebP; None if it may not be shown or has no thumbnail."""
        data = read_thumbnail(self._folder, self._survey.pictures[index].place) if self.allowed else None
        if data is None:
            return None
        try:
            return webp(decode_image(data, "a thumbnail"), side, _QUALITY)
        except ClipDeskError:
            return None
