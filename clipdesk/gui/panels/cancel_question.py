"""The question before many unfinished pictures are cancelled: a key that was hit by mistake must not do it."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

MOST_UNASKED = 50


def confirm_cancel(parent: QWidget, count: int) -> bool:
    """Ask whether to cancel pictures, if they are many.

    Args:
        parent: The widget over whose window the question stands.
        count: How many pictures are not finished.
    """
    if count <= MOST_UNASKED:
        return True
    answer = QMessageBox.question(
        parent,
        "Cancel?",
        f"{count} pictures are not finished. Those under way are kept as they are, and the others are not rendered. "
        "Retry begins with them again.",
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
        QMessageBox.StandardButton.No,
    )
    return answer == QMessageBox.StandardButton.Yes
