"""Drawn scenes whose contents are known: what the embedded models are trained on, and an image set for everyone."""
