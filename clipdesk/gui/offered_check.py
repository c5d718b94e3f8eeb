"""The thorough check of the picture that is looked at: offered, under way, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.gui.files import ask_checkpoint

if TYPE_CHECKING:
    from clipdesk.gui.panels.thorough_bar import ThoroughBar
    from clipdesk.gui.surveys.thorough import RenderedPicture, ThoroughChecks


class OfferedCheck(QObject):
    """Offers to check one picture thoroughly, and shows how far that is.

    Args:
        checks: Makes the check.
        bar: Shows the button and the progress.
    """

    def __init__(self, checks: ThoroughChecks, bar: ThoroughBar) -> None:
        super().__init__(checks)
        self._checks, self._bar = checks, bar
        self._picture: RenderedPicture | None = None
        bar.asked.connect(self._start)
        bar.cancel_asked.connect(checks.cancel)
        bar.second.wanted.connect(lambda: bar.second.show_choices(checks.choices()))
        bar.second.chosen.connect(checks.choose_reader)
        bar.second.file_asked.connect(self._ask_for_file)
        checks.changed.connect(self._show)

    def show(self, picture: RenderedPicture | None) -> None:
        """Offer it for a picture from now on, or for none."""
        self._picture = picture
        if picture is not None:
            self._checks.look(picture)
        self._show()

    @Slot()
    def _show(self) -> None:
        picture, running = self._picture, self._checks.running
        if picture is None:
            self._bar.hide()
        elif running is not None and running.key == picture.key:
            self._bar.show_progress(self._checks.share, self._checks.seconds_left, self._checks.transfer)
        else:
            self._bar.show_offer(self._checks.offer(picture))

    @Slot()
    def _ask_for_file(self) -> None:
        name = ask_checkpoint(self._bar.window())
        if name:
            self._checks.choose_reader(name)

    @Slot()
    def _start(self) -> None:
        if self._picture is not None:
            self._checks.start(self._picture)
