"""Names that every Qt item model needs."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
"""The parent of a model's top rows, as a default argument."""
