"""Files that are often taken for checkpoints."""

from __future__ import annotations

import gzip
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from clipdesk.models.kinds import no_kind, other_kind
from tests.clips import openais, refusal


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html><title>Virus scan warning</title></html>", "a web page"),
        (b"\n<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
        (gzip.compress(b"x", mtime=0), "packed with gzip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "packed with 7-Zip"),
        (b"x.pt" + bytes(253) + b"ustar" + bytes(300), "a tar archive"),
        (b"GGUF" + bytes(100), "a GGUF file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b'{"a": 1}', "a text in JSON"),
        (b"<!-- login --><html>", "a web page"),
        (b"\x04\x22\x4d\x18" + bytes(50), "packed with LZ4"),
        (b"GIF89a" + bytes(50), "a GIF picture"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:" + bytes(50), "an ONNX file"),
        (b"\x20\0\0\0TFL3" + bytes(100), "a TensorFlow Lite file"),
        (b"\x83\xa5model" + bytes(100), "a file of Flax"),
    ],
)
def test_a_file_of_another_kind_is_named(file: Path, content: bytes, kind: str) -> None:
    file.write_bytes(content)
    assert f"{file} is {kind}" in refusal(file)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"Entry not found", "a text, 'Entry not found', not weights"),
        ("Zugriff verweigert für Gäste\n".encode(), "a text, 'Zugriff verweigert für Gäste', not weights"),
        (("ä" * 400).encode(), "a text, 'äää"),
        (bytes(1000), "empty but for its size"),
        (pickle.dumps({"visual.proj": 1}), "a pickle that torch.save has not written"),
        (pickle.dumps({"visual.proj": 1}, protocol=2), "a pickle that torch.save has not written"),
    ],
)
def test_a_file_of_no_kind_is_named_too(file: Path, content: bytes, what: str) -> None:
    file.write_bytes(content)
    said = refusal(file)
    assert "is not a CLIP checkpoint. It must be" in said
    assert f", but it is {what}" in said


def test_a_zip_archive_with_a_checkpoint_in_it_is_named(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.pt", b"x")
    assert "is a zip archive with model.pt in it. Unpack it" in refusal(file)


def test_archives_of_numpy_and_of_torch_export_are_named(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("visual.proj.npy", b"x")
    assert "is an .npz archive of numpy's arrays" in refusal(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/archive_format", b"pt2")
        archive.writestr("model/data/weights/weight_0", b"x")
    assert "is a program that torch.export has written" in refusal(file)


@pytest.mark.parametrize("zipped", [True, False])
def test_both_forms_of_torch_save_are_none_of_them(file: Path, zipped: bool) -> None:
    torch.save(openais().state_dict(), file, _use_new_zipfile_serialization=zipped)
    with file.open("rb") as handle:
        assert other_kind(handle, file.stat().st_size) is None
        assert no_kind(handle, file.stat().st_size) is None


def test_a_file_that_is_cut_off_is_to_be_downloaded_again(file: Path) -> None:
    torch.save(openais().state_dict(), file)
    file.write_bytes(file.read_bytes()[: 10**6])
    assert "its end is missing. Download or copy it again" in refusal(file)
