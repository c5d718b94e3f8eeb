"""Measure whether pictures show what they should. See ``python -m benchmarks.quality --help``."""
