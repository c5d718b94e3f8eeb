"""What the models of jobs have in common: the roles that the list draws from."""

from __future__ import annotations

from PySide6.QtCore import Qt

DETAIL_ROLE = Qt.ItemDataRole.UserRole + 1
"""How far it is, in a line."""
SHARE_ROLE = Qt.ItemDataRole.UserRole + 2
"""How much is done, 0 to 1."""
TONE_ROLE = Qt.ItemDataRole.UserRole + 3
"""`ACTIVE`, `WRONG` or `QUIET`."""

ACTIVE, WRONG, QUIET = "active", "wrong", "quiet"
