"""What a person says of a picture, inside its PNG when it is exported. The recipe and the pixels stay as they are."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from clipdesk.marks.mark import Mark

MARK_KEY = "clipdesk-mark"
"""Keyword of the PNG text chunk; its text is the mark as JSON: ``starred``, ``tags``, ``note``."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_START = MARK_KEY.encode() + b"\0"
_FRAME = 12
"""Bytes of a chunk beside its data: length, kind and checksum."""


def with_mark(png: bytes, mark: Mark) -> bytes:
    """A PNG with a mark inside, in place of one that it may have; without one if the mark says nothing.

    Args:
        png: A whole PNG; what is none comes back as it is.
        mark: The mark.
    """
    if not png.startswith(_SIGNATURE):
        return png
    chunks = [chunk for chunk in _chunks(png) if not (chunk[4:8] == b"iTXt" and chunk[8:].startswith(_START))]
    if mark:
        # Not compressed, in no language in particular.
        data = _START + b"\0\0\0\0" + mark.to_json().encode()
        # The header has to come first.
        chunks.insert(1, _chunk(b"iTXt", data))
    return b"".join((_SIGNATURE, *chunks))


def _chunks(png: bytes) -> Iterator[bytes]:
    """The chunks of a PNG; what is left at its end and is none comes as it is."""
    at = len(_SIGNATURE)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big") + _FRAME
        yield png[at : at + length]
        at += length


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
