"""Results as files: PNGs that carry their recipe, and the metadata of a batch. Everything is written atomically."""
