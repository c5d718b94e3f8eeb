"""Marks: what a person says of a picture or a unit, kept for all windows."""
