"""Where a person has been: units, with the ways back and forward."""

from __future__ import annotations

from clipdesk.gui.surveys.data import PooledUnit

_MOST = 200


class History:
    """As a browser's: to go somewhere forgets what lay ahead."""

    def __init__(self) -> None:
        self._places: list[PooledUnit] = []
        self._at = -1

    @property
    def here(self) -> PooledUnit | None:
        """Where the person is; None before the first place."""
        return self._places[self._at] if self._places else None

    @property
    def can_go_back(self) -> bool:
        """Whether there is a place before."""
        return self._at > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether there is a place after."""
        return self._at + 1 < len(self._places)

    def go(self, place: PooledUnit) -> None:
        """Go to a place; to stay where one is changes nothing."""
        if place != self.here:
            self._places = [*self._places[: self._at + 1], place][-_MOST:]
            self._at = len(self._places) - 1

    def back(self) -> PooledUnit | None:
        """Go back by one place; where that is."""
        self._at = max(0, self._at - 1)
        return self.here

    def forward(self) -> PooledUnit | None:
        """Go forward by one place; where that is."""
        self._at = min(len(self._places) - 1, self._at + 1)
        return self.here

    def forget(self) -> None:
        """Begin anew."""
        self._places, self._at = [], -1
