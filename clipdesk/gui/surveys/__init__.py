"""Surveys in the window: making them, finding them, and asking them on threads beside it."""
