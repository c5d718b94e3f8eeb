"""Fuzz the readers of untrusted files: ``python -m benchmarks.fuzz``.

Changes valid files at random, as bytes and part by part (chunks of a PNG with corrected checksums, members of an
archive, the header of .safetensors, pages of a database), and reads them with ClipDesk, for a given time: pictures,
recipes, metadata and its journal, checkpoints, images in all five formats, directions, spectra and queues. A file must
be read, or refused with a `ClipDeskError` of one line. Anything else is an unexpected error: it is counted, the file
that caused it is kept, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import logging
import shutil
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

import numpy as np
import psutil
import safetensors.torch
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from clipdesk.errors import ClipDeskError, UsageError, first_line
from clipdesk.export.metadata import BatchMetadata, UnitRecord
from clipdesk.export.png import read_png, save_png
from clipdesk.export.recipe import Activations, Recipe
from clipdesk.jobs.job import Job
from clipdesk.jobs.rescue import open_store
from clipdesk.jobs.store import JobStore
from clipdesk.models.checkpoints import read_checkpoint
from clipdesk.models.evidence import Asked
from clipdesk.models.package import CLIP
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.expressions import read_direction
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Combined, Term, Text, Unit

Part = tuple[str, bytes]
"""A piece of a file: its name and its content."""

_ROUND = 200
_SLOW_SECONDS = 10
_PAGE = 4096
_IMAGES = (
    *(("PNG", mode) for mode in ("RGBA", "P", "L")),
    *(("JPEG", mode) for mode in ("RGB", "CMYK")),
    *(("WEBP", mode) for mode in ("RGBA", "RGB")),
    *(("TIFF", mode) for mode in ("RGBA", "CMYK", "1")),
    ("BMP", "RGB"),
)
_LAYER, _MODEL = "visual.conv1", "demo"
_HEADS = Asked(heads=1)
"""Weights in a .safetensors file do not say them."""
_TELLING = (
    *(b"", b"\x00", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff" * 7 + b"\x7f", b"\x00" * 5000),
    *(b"-1", b"0", b"1e999", b"NaN", b"Infinity", b"9" * 400, b"9007199254740993", b"null", b"true", b'"', b"\\ud800"),
    *(b"[", b"[" * 3000, b"{}", b'{"a":' * 3000, b",", b":", b"\n", b"../../x", b"\xf0\x9f\x98\x80", b"version", b"2"),
    *(b"cposix\nsystem\n", b"ctorch\nload\n", b"R", b"b.", b"}", b"K\x00", b"J\xff\xff\xff\x7f", b"constants.pkl"),
    *(b"F8_E4M3", b"I8", b"BF16", b"IHDR", b"zTXt", b"iTXt", b"acTL", b"eXIf"),
)


@dataclass(frozen=True)
class Subject:
    """A kind of file: the parts of a valid file, the function that joins them, and the reader."""

    name: str
    parts: list[Part] = field(repr=False)
    join: Callable[[list[Part]], bytes]
    read: Callable[[Path], object]


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


# Kinds of files


def make_subjects(folder: Path) -> list[Subject]:
    """All kinds of files; the valid ones are written to a folder."""
    path = folder / "valid"
    recipe = _recipe()
    save_png(np.zeros((24, 24, 3), dtype=np.uint8), path, recipe, np.ones(recipe.steps, dtype=np.float32))
    picture = Subject("picture", _chunks(path.read_bytes()), _png, read_png)
    record = UnitRecord(status="done", parameters=RenderSettings(), file="a.png", activation=1.0, seconds=2.0)
    metadata = BatchMetadata(model=_MODEL, layer=_LAYER, units={3: record, 7: record})
    return [
        picture,
        Subject("recipe", [("text", recipe.to_json().encode())], _joined, _read_recipe),
        Subject("metadata", [("text", metadata.model_dump_json().encode())], _joined, _read_metadata),
        Subject("journal", [("text", _journal(record))], _joined, _read_journal),
        *_images(),
        *_arrays(),
        Subject("queue", _pages(path), _joined, _read_queue),
        *_checkpoints(path),
        *_beside(path),
    ]


def _recipe() -> Recipe:
    unit = Unit(layer=_LAYER, index=4)
    return Recipe(
        clipdesk="0.1.0",
        torch="2.6.0",
        model=_MODEL,
        weights="0" * 64,
        target=Combined(terms=(Term(what=unit), Term(what=Text(text="a star"), weight=-0.5))),
        settings=RenderSettings(iterations=5),
        files={"a.npy": "0" * 64},
        steps=5,
        activation=Activations(start=0.1, end=2.0, best=2.5, picture=2.25),
        device="cpu",
        seconds=1.5,
        date="2026-01-01T00:00:00+00:00",
    )


def _checkpoints(path: Path) -> Iterator[Subject]:
    torch.manual_seed(0)
    for kind, model in {
        "vit": CLIP(8, 32, 1, 64, 16, 8, 32, 64, 1, 1),
        "resnet": CLIP(8, 32, (1, 1, 1, 1), 2, None, 8, 32, 64, 1, 1),
    }.items():
        state = {
            name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()
        }
        torch.save(state, path)
        yield Subject(f"{kind} zip", _members(path), _zip, _open_checkpoint)
        torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=False)
        yield Subject(f"{kind} pickle", [("whole", path.read_bytes())], _joined, _open_checkpoint)
        content = safetensors.torch.save(state)
        end = 8 + int.from_bytes(content[:8], "little")
        parts = [("header", content[8:end]), ("weights", content[end:])]
        yield Subject(f"{kind} safetensors", parts, _safetensors, _open_checkpoint)
    # torch does not type this function.
    trace: Callable[..., torch.jit.ScriptModule] = torch.jit.trace
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(path))
    # Refused before it is opened.
    yield Subject("archive", _members(path), _zip, _open_checkpoint)


def _beside(path: Path) -> Iterator[Subject]:
    """A checkpoint as training writes it, one in transformers' names, a configuration beside one, an index of one."""
    torch.manual_seed(0)
    state = CLIP(8, 32, 1, 64, 16, 8, 32, 64, 1, 1).half().state_dict()
    objects = {"lr": np.float64(0.1), "args": argparse.Namespace(out=path), "epoch": 3, "optimizer": {"state": {0: {}}}}
    torch.save({"state_dict": {f"module.{n}": v for n, v in state.items()}, **objects}, path)
    yield Subject("training zip", _members(path), _zip, _open_checkpoint)
    torch.save({"model": state, **objects}, path, _use_new_zipfile_serialization=False)
    yield Subject("training pickle", [("whole", path.read_bytes())], _joined, _open_checkpoint)
    vision = {"width": 64, "head_width": 64, "patch_size": 16, "image_size": 32, "layers": 1}
    inner = {"embed_dim": 8, "vision_cfg": vision, "text_cfg": {"heads": 1}, "quick_gelu": True}
    whole = json.dumps({"model_cfg": inner, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}})
    content = safetensors.torch.save({name: value.contiguous() for name, value in state.items()})

    def with_config(file: Path) -> LayerInspector:
        shutil.copy(file, file.with_name("open_clip_config.json"))
        file.write_bytes(content)
        try:
            return LayerInspector(read_checkpoint(file).network)
        finally:
            file.with_name("open_clip_config.json").unlink()

    def by_index(file: Path) -> LayerInspector:
        file.with_name("weights.bin").write_bytes(content)
        index = file.replace(file.with_name("x.index.json"))
        return LayerInspector(read_checkpoint(index, asked=_HEADS).network)

    yield Subject("configuration", [("text", whole.encode())], _joined, with_config)
    names = json.dumps({"metadata": {}, "weight_map": dict.fromkeys(state, "weights.bin")})
    yield Subject("index", [("text", names.encode())], _joined, by_index)


def _open_checkpoint(path: Path) -> LayerInspector:
    """Open a checkpoint as ClipDesk does; a model that `read_checkpoint` accepts must run."""
    return LayerInspector(read_checkpoint(path, asked=_HEADS).network)


def _read_recipe(path: Path) -> Recipe:
    return Recipe.from_json(path.read_bytes().decode(errors="surrogateescape"))


def _read_metadata(path: Path) -> BatchMetadata:
    shutil.copy(path, BatchMetadata.path(path.parent, _LAYER))
    return BatchMetadata.open(path.parent, _LAYER, _MODEL)


def _journal(record: UnitRecord) -> bytes:
    lines = ({"model": _MODEL, "index": index, "record": record.model_dump(mode="json")} for index in (3, 7))
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _read_journal(path: Path) -> BatchMetadata:
    folder = path.parent / "journal"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / f".{_LAYER}_metadata.journal")
    return BatchMetadata.open(folder, _LAYER, _MODEL)


def _images() -> Iterator[Subject]:
    """Images of the user, as a render reads its start and its targets, in all formats."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    for form, mode in _IMAGES:
        data = io.BytesIO()
        image = Image.fromarray(noise).convert(mode)
        image.save(data, format=form, **({"exif": exif} if form != "BMP" else {}))
        parts = _chunks(data.getvalue()) if form == "PNG" else [("whole", data.getvalue())]
        yield Subject(f"{form} {mode} image", parts, _png if form == "PNG" else _joined, _read_image)


def _read_image(path: Path) -> object:
    return Sources().square(str(path), 16)


def _arrays() -> Iterator[Subject]:
    """Directions and spectra, whose header is a part of its own."""
    for name, array, read in (
        ("direction", np.linspace(-1, 1, 16, dtype=np.float32), _read_direction),
        ("integer direction", np.arange(16), _read_direction),
        ("spectrum", np.ones((3, 8, 5), np.float32), _read_spectrum),
        ("column spectrum", np.asfortranarray(np.ones((3, 8, 5), np.float16)), _read_spectrum),
    ):
        data = io.BytesIO()
        np.save(data, array)
        content = data.getvalue()
        parts = [("magic", content[:10]), ("header", content[10:128]), ("numbers", content[128:])]
        yield Subject(name, parts, _joined, read)
    yield Subject("text direction", [("text", b"1.5, -2e3\n0 4\n")], _joined, _read_direction)


def _read_direction(path: Path) -> object:
    return read_direction(_LAYER, path)


def _read_spectrum(path: Path) -> object:
    return Sources().magnitudes(str(path))


def _pages(path: Path) -> list[Part]:
    path.unlink()
    with closing(JobStore(path)) as store:
        for i in range(4):
            targets = tuple(Unit(layer=_LAYER, index=index) for index in range(i + 1))
            store.add(Job(model=_MODEL, targets=targets), path.parent)
        store.finish(2, 0, file="a.png")
        store.finish(2, 1, reason="no")
    content = path.read_bytes()
    return [(f"page {start}", content[start : start + _PAGE]) for start in range(0, len(content), _PAGE)]


def _read_queue(path: Path) -> None:
    """Open a queue and work through it as the window and the commands do."""
    folder = path.parent / "queue"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(path, folder / "queue.sqlite")
    store, notice = open_store(folder / "queue.sqlite")
    with closing(store):
        tried: set[int] = set()
        for stored in store.jobs():
            store.row(stored.number)
            for unit in store.units(stored.number):
                stored.job.label(unit.position)
        store.unreadable()
        while (number := store.next(but=tried)) is not None:
            tried.add(number)
            with suppress(UsageError):
                claim = store.claim(None, 10, store.get(number))
                if claim is not None:
                    store.names(number, claim.positions)
                    len(claim.job.units)
        store.clear()
    if notice:
        raise ClipDeskError(notice)


def _chunks(content: bytes) -> list[Part]:
    parts, at = [], 8
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        parts.append((content[at + 4 : at + 8].decode(), content[at + 8 : at + 8 + size]))
        at += size + 12
    return parts


def _png(parts: list[Part]) -> bytes:
    chunks = [
        len(data).to_bytes(4, "big") + name.encode() + data + zlib.crc32(name.encode() + data).to_bytes(4, "big")
        for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _members(path: Path) -> list[Part]:
    with zipfile.ZipFile(path) as file:
        return [(name, file.read(name)) for name in file.namelist()]


def _zip(parts: list[Part]) -> bytes:
    buffer = io.BytesIO()
    names = dict(parts)
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in names.items():
            file.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _safetensors(parts: list[Part]) -> bytes:
    header = b"".join(data for name, data in parts if name == "header")
    # The format requires this padding.
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + b"".join(data for name, data in parts if name != "header")


def _joined(parts: list[Part]) -> bytes:
    return b"".join(data for _, data in parts)


if __name__ == "__main__":
    main()
