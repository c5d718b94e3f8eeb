"""Which file is read of those that a person names, and files that nobody should open."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.latents.screening import Screen
from tests.network.latents.weights import COUNT, sae_lens_folder, standard


def test_a_folder_its_weights_and_its_configuration_name_the_same(tmp_path: Path) -> None:
    folder = sae_lens_folder(tmp_path / "layer 5", standard(), {"architecture": "topk", "k": 3})
    read = [read_latents(each) for each in (folder, folder / "cfg.json", folder / "sae_weights.safetensors")]
    assert len({each.sha256 for each in read}) == 1
    assert {each.name for each in read} == {"layer 5"}
    assert read[0].count == COUNT


def test_the_encoder_that_is_read_needs_no_other_copy_in_float32(tmp_path: Path) -> None:
    latents = read_latents(sae_lens_folder(tmp_path / "sae", standard(), {"architecture": "topk", "k": 3}))
    assert Screen(latents)._rows.data_ptr() == latents.encoder.data_ptr()
    assert torch.equal(latents.encoder, standard()["W_enc"])


def test_a_folder_of_several_or_none_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no weights"):
        read_latents(tmp_path)
    for name in ("a.pt", "b.pt"):
        torch.save(standard(), tmp_path / name)
    with pytest.raises(UsageError, match=r"several files of weights, such as a\.pt"):
        read_latents(tmp_path)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("built-by-a-pickle",)


@pytest.mark.parametrize("write", [torch.save, lambda found, path: path.write_bytes(pickle.dumps(found))])
def test_code_in_a_file_is_not_run(tmp_path: Path, write: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert callable(write)
    write({**standard(), "cfg": Evil()}, tmp_path / "sae.pt")
    with pytest.raises(ClipDeskError, match=r"sparse autoencoder|a pickle"):
        read_latents(tmp_path / "sae.pt")
    assert not (tmp_path / "built-by-a-pickle").exists()


def test_damaged_and_missing_files_are_one_line(tmp_path: Path) -> None:
    folder = sae_lens_folder(tmp_path / "sae", standard(), {})
    file = folder / "sae_weights.safetensors"
    whole = file.read_bytes()
    for damaged in (b"", whole[:-8], whole[: len(whole) // 2], b"\0" * 5_000, b"{" + whole, whole + b"more"):
        file.write_bytes(damaged)
        with pytest.raises(ClipDeskError) as found:
            read_latents(folder)
        assert "\n" not in str(found.value)
    with pytest.raises(ClipDeskError, match="Could not read"):
        read_latents(tmp_path / "nowhere.pt")
