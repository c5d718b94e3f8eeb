"""Results as files: PNGs with their recipe, sheets, animations, a batch's metadata. All are written atomically."""
