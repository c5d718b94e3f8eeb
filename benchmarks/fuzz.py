"""Fuzz the readers of untrusted files: ``python -m benchmarks.fuzz``.

Changes valid files at random, as bytes and part by part (chunks of a PNG with corrected checksums, members of an
archive, the header of .safetensors, pages of a database), and reads them with ClipDesk, for a given time: pictures,
recipes, metadata and its journal, checkpoints, images in all five formats, directions, spectra, queues and image
sets. A file must be read, or refused with a `ClipDeskError` of one line. Anything else is an unexpected error: it is
counted, the file that caused it is kept, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import shutil
import sys
import tempfile
import time
from itertools import count, cycle
from pathlib import Path

import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.fuzz_subjects import Subject, make_subjects
from clipdesk.errors import ClipDeskError, first_line

_ROUND = 200
_SLOW_SECONDS = 10
_TELLING = (
    *(b"", b"\x00", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff" * 7 + b"\x7f", b"\x00" * 5000),
    *(b"-1", b"0", b"1e999", b"NaN", b"Infinity", b"9" * 400, b"9007199254740993", b"null", b"true", b'"', b"\\ud800"),
    *(b"[", b"[" * 3000, b"{}", b'{"a":' * 3000, b",", b":", b"\n", b"../../x", b"\xf0\x9f\x98\x80", b"version", b"2"),
    *(b"cposix\nsystem\n", b"ctorch\nload\n", b"R", b"b.", b"}", b"K\x00", b"J\xff\xff\xff\x7f", b"constants.pkl"),
    *(b"F8_E4M3", b"I8", b"BF16", b"IHDR", b"zTXt", b"iTXt", b"acTL", b"eXIf"),
)


def main() -> None:
    """Parse the command line, and fuzz until the time is up."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description="Random changes to files.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="kind of file, e.g. picture")
    arguments = parser.parse_args()
    faulthandler.enable()
    logging.disable()
    end = time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder:
        subjects = [one for one in make_subjects(Path(folder)) if arguments.only in (None, one.name)]
        tried = {one.name: [0, 0] for one in subjects}
        unexpected = dict.fromkeys(tried, 0)
        for number, subject in zip(count(arguments.seed), cycle(subjects), strict=False):
            if time.monotonic() > end:
                break
            try:
                counts = fuzz(subject, number, _ROUND, Path(folder))
            except Exception as error:
                unexpected[subject.name] += 1
                print(f"{subject.name}, seed {number}: {type(error).__name__}: {first_line(error)}", file=sys.stderr)
                continue
            for i, inputs in enumerate(counts):
                tried[subject.name][i] += inputs
    for name, (read, refused) in tried.items():
        errors = f"{unexpected[name]:,} unexpected errors"
        print(f"{name}: {read + refused:,} files, {read:,} read, {refused:,} refused, {errors}")
    memory = psutil.Process().memory_info().rss / 1e6
    total = sum(unexpected.values())
    print(f"{sum(map(sum, tried.values())):,} files; {total:,} unexpected errors; {memory:,.0f} MB in use")
    sys.exit(1 if total else 0)


def fuzz(subject: Subject, number: int, inputs: int, folder: Path) -> tuple[int, int]:
    """Read changed files of one kind.

    Args:
        subject: Kind of file to change.
        number: Seed of the changes.
        inputs: Number of files; fewer if hypothesis runs out of changes.
        folder: Folder for the files.

    Returns:
        The number of files that were read, and that were refused.

    Raises:
        AssertionError, Exception: a file was neither read nor properly refused.
    """
    tried = {True: 0, False: 0}
    path = folder / f"fuzzed-{subject.name}"

    @seed(number)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(changed_files(subject))
    def attempt(content: bytes) -> None:
        path.write_bytes(content)
        tried[check(subject, path)] += 1

    try:
        attempt()
    except BaseException as error:
        if isinstance(error, Exception):
            kept = Path(f"fuzz-{subject.name.replace(' ', '-')}-{number}").absolute()
            shutil.copy(path, kept)
            print(f"{subject.name}, seed {number}: the file is {kept}", file=sys.stderr)
        raise
    return tried[True], tried[False]


def check(subject: Subject, path: Path) -> bool:
    """Read a file, which must soon return something or raise a `ClipDeskError` with a message of one line.

    Returns:
        True if the file was read.
    """
    message = ""
    started = time.process_time()
    try:
        subject.read(path)
    except ClipDeskError as error:
        message = str(error)
        if "\n" in message or not 10 < len(message) < 1000:
            raise AssertionError(f"no clear line: {message!r}") from error
    if time.process_time() - started > _SLOW_SECONDS:
        raise AssertionError("it took too long")
    return not message


# Changes

_edits = st.tuples(
    st.sampled_from(["overwrite", "insert", "delete", "repeat", "cut", "flip"]),
    st.integers(0, 2**32 - 1),
    st.sampled_from(_TELLING) | st.binary(min_size=1, max_size=12),
)


@st.composite
def changed_files(draw: st.DrawFn, subject: Subject) -> bytes:
    """Strategy: valid files of a kind with a few changes."""
    parts = list(subject.parts)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(parts) - 1))
        name, content = parts[place]
        # The small parts describe the large ones; a change to a weight is rarely worth the time.
        content = _changed(content, draw(st.lists(_edits, min_size=1, max_size=3)))
        change = draw(st.sampled_from(["content"] * 6 + ["drop", "twice", "rename", "move"]))
        if change == "content":
            parts[place] = name, content
        elif change == "drop" and len(parts) > 1:
            del parts[place]
        elif change == "twice":
            parts.insert(place, (name, content))
        elif change == "rename":
            parts[place] = draw(st.sampled_from([other for other, _ in parts])), content
        else:
            parts.insert(draw(st.integers(0, len(parts) - 1)), parts.pop(place))
    whole = subject.join(parts)
    return _changed(whole, draw(st.lists(_edits, max_size=2 if parts != subject.parts else 4)))


def _changed(content: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for kind, number, telling in edits:
        at = number % (len(content) + 1)
        if kind == "overwrite":
            content = content[:at] + telling + content[at + len(telling) :]
        elif kind == "insert":
            content = content[:at] + telling + content[at:]
        elif kind == "delete":
            content = content[:at] + content[at + len(telling) + 1 :]
        elif kind == "repeat":
            content = content[: at + 64] + content[at:]
        elif kind == "cut":
            content = content[:at]
        elif content:
            at %= len(content)
            content = content[:at] + bytes([content[at] ^ (1 << number % 8)]) + content[at + 1 :]
    return content


if __name__ == "__main__":
    main()
