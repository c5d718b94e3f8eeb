"""The embedded models: the scenes they are trained on, the training script, and their measurement."""
