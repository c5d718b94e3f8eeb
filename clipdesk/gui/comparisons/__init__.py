"""Comparisons in the window: what is asked of them, and the threads that answer."""
