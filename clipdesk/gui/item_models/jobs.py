"""The roles that every model of jobs has, from which the list is drawn."""

from __future__ import annotations

from PySide6.QtCore import Qt

DETAIL_ROLE = Qt.ItemDataRole.UserRole + 1
"""How far the job is, in one line."""
SHARE_ROLE = Qt.ItemDataRole.UserRole + 2
"""How much of it is done, 0 to 1; None where that is not said."""
TONE_ROLE = Qt.ItemDataRole.UserRole + 3
"""`ACTIVE`, `WRONG` or `QUIET`."""

ACTIVE, WRONG, QUIET = "active", "wrong", "quiet"
