"""What image sets are called. Imports nothing, so that the window can tell what is dropped on it."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""Images of the formats that are read."""
UNREAD_SUFFIXES = (".gif", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".ppm", ".pgm", ".tga", ".ico", ".psd", ".svg")
"""Images too, but of formats that are not read."""
ARCHIVES = (".tar", ".parquet")
"""Files that hold images."""
_DRAWN = "scenes:"


def is_drawn(source: str) -> bool:
    """Whether what opens an image set, such as ``scenes:5000``, is of drawn scenes, and not of somebody's photos."""
    return source.startswith(_DRAWN)
