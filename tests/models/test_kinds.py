"""Files that are often taken for checkpoints."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest
import torch

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
    ],
)
def test_a_file_of_another_kind_is_named(file: Path, content: bytes, kind: str) -> None:
    file.write_bytes(content)
    assert f"{file} is {kind}" in refusal(file)


def test_a_zip_archive_with_a_checkpoint_in_it_is_named(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.pt", b"x")
    assert "is a zip archive with model.pt in it. Unpack it" in refusal(file)


def test_a_file_that_is_cut_off_is_to_be_downloaded_again(file: Path) -> None:
    torch.save(openais().state_dict(), file)
    file.write_bytes(file.read_bytes()[: 10**6])
    assert "its end is missing. Download or copy it again" in refusal(file)
