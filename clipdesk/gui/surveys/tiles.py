"""What stands in a grid of pictures of a survey. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST = 400


@dataclass(frozen=True)
class Photo:
    """A picture of a set, as a tile.

    Attributes:
        picture: Its index in the survey.
        value: The unit's activation in it.
        place: Where it is in its set.
        label: Its class; may be empty.
        caption: May be empty.
        alike: How many near-duplicates stand behind it.
    """

    picture: int
    value: float
    place: str
    label: str = ""
    caption: str = ""
    alike: int = 0

    @property
    def words(self) -> str:
        """All that is known of it, a line each, of bounded length."""
        more = f"and {self.alike} much like it" if self.alike else ""
        lines = (self.place, self.label, self.caption, f"activation {self.value:.4g}", more)
        return "\n".join(line[:_LONGEST] for line in lines if line)


@dataclass(frozen=True)
class Heading:
    """A tile of words, which begins a row; without words, one that fills it."""

    words: str = ""
