"""What `benchmarks.fuzz` changes: a valid file of each kind, in its parts, and the reader of it."""

from __future__ import annotations

import argparse
import io
import json
import shutil
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor

from benchmarks.fuzz_sets import set_files
from clipdesk.errors import ClipDeskError, UsageError
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
from tests.transformers_names import as_transformers

Part = tuple[str, bytes]
"""A piece of a file: its name and its content."""

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


@dataclass(frozen=True)
class Subject:
    """A kind of file: the parts of a valid file, the function that joins them, and the reader."""

    name: str
    parts: list[Part] = field(repr=False)
    join: Callable[[list[Part]], bytes]
    read: Callable[[Path], object]


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
        *(Subject(*one) for one in set_files()),
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
        yield _safetensors_subject(f"{kind} safetensors", state)
    # torch does not type this function.
    trace: Callable[..., torch.jit.ScriptModule] = torch.jit.trace
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(path))
    # Refused before it is opened.
    yield Subject("archive", _members(path), _zip, _open_checkpoint)


def _safetensors_subject(name: str, state: dict[str, Tensor]) -> Subject:
    content = safetensors.torch.save({name: value.contiguous() for name, value in state.items()})
    end = 8 + int.from_bytes(content[:8], "little")
    return Subject(name, [("header", content[8:end]), ("weights", content[end:])], _safetensors, _open_checkpoint)


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

    def with_config(name: str, weights: bytes, file: Path) -> LayerInspector:
        shutil.copy(file, file.with_name(name))
        file.write_bytes(weights)
        try:
            return LayerInspector(read_checkpoint(file).network)
        finally:
            file.with_name(name).unlink()

    def by_index(file: Path) -> LayerInspector:
        file.with_name("weights.bin").write_bytes(content)
        index = Path(shutil.copy(file, file.with_name("x.index.json")))
        return LayerInspector(read_checkpoint(index, asked=_HEADS).network)

    read = partial(with_config, "open_clip_config.json", content)
    yield Subject("configuration", [("text", whole.encode())], _joined, read)
    theirs = {name: value.contiguous() for name, value in as_transformers(state).items()}
    yield _safetensors_subject("transformers safetensors", theirs)
    towers = {"vision_config": {"num_attention_heads": 2, "hidden_act": "gelu"}, "text_config": {}}
    read = partial(with_config, "config.json", safetensors.torch.save(theirs))
    config = json.dumps({"model_type": "clip", **towers}).encode()
    yield Subject("transformers configuration", [("text", config)], _joined, read)
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
