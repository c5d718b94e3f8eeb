"""Do pictures show what they are to show? See ``python -m benchmarks.quality --help``."""
