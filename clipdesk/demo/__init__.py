"""The embedded model: the scenes it is trained on, the training script, and its measurement."""
