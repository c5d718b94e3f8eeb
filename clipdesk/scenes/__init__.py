"""Drawn scenes whose contents are known: what `demo` and `demo-rn` are trained on, and an image set for everyone."""
