"""Qt item models over the plain data."""
