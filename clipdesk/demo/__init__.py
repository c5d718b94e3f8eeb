"""The embedded models: the training script, and their measurement."""
