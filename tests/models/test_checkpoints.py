"""Checkpoints that anybody may have made: each is opened as it is, or refused with one line that says why."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import safetensors.torch
import torch
from clip.model import build_model
from torch import nn

from clipdesk.checksums import read_sha256
from clipdesk.errors import ClipDeskError
from clipdesk.models import checkpoints, states, trust
from clipdesk.models.checkpoints import official_digests, read_checkpoint
from clipdesk.models.loading import load_model
from clipdesk.models.trust import UntrustedArchive
from tests.archives import make_archive
from tests.conftest import small_resnet, small_vit

State = dict[str, Any]

CONV, PROJ, HEAD = "visual.conv1.weight", "visual.proj", "visual.transformer.resblocks.0.attn.in_proj_weight"
VIT = {name: value.half() for name, value in small_vit().state_dict().items()}
RESNET = small_resnet().state_dict()


class Payload:
    """Unpickled by `pickle`, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(autouse=True)
def _nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return make_archive(tmp_path / "jit.pt")


def say_form(folder: Path, width: int, layers: int | list[int]) -> None:
    """Say the form of a small model, whose heads its weights in a .safetensors file do not tell."""
    config = {"vision_cfg": {"width": width, "layers": layers}, "text_cfg": {"heads": 1}, "quick_gelu": True}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))


def refusal(path: Path) -> str:
    with pytest.raises(ClipDeskError) as caught:
        read_checkpoint(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 500 + len(str(path))
    return text


# What opens


def test_a_model_is_what_openais_package_makes_of_the_same_weights() -> None:
    for state, side in ((VIT, 32), (RESNET, 64)):
        ours, theirs = states.model_of(state, 10**9), build_model(dict(state)).float()
        assert not ours.training
        pictures, texts = torch.rand(2, 3, side, side), torch.tensor([[49406, 320, 49407] + [0] * 74])
        with torch.no_grad():
            # OpenAI's rounds the ResNet's float32 weights to float16.
            assert torch.allclose(ours.encode_image(pictures), theirs.encode_image(pictures), rtol=0.01, atol=1e-3)
            assert torch.allclose(ours.encode_text(texts), theirs.encode_text(texts), rtol=0.01, atol=1e-3)
    again = states.model_of(VIT, 10**9).state_dict()
    assert all(torch.equal(again[name], value) for name, value in build_model(dict(VIT)).float().state_dict().items())


def test_float32_weights_stay_as_they_are(tmp_path: Path) -> None:
    torch.save(RESNET, tmp_path / "rn.pt")
    found = read_checkpoint(tmp_path / "rn.pt").network.state_dict()
    assert all(torch.equal(value, RESNET[name]) for name, value in found.items())


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: {"state_dict": state, "epoch": 3, "name": "ViT"},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"state_dict": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {f"module.{name}": value for name, value in {**state, "vocab_size": torch.tensor(1)}.items()},
        lambda state: {**state, "input_resolution": torch.tensor(32), "context_length": 77, "vocab_size": 49408},
        lambda state: {name: nn.Parameter(value) for name, value in state.items()},
        lambda state: {name: value.to(torch.bfloat16) for name, value in state.items()},
        lambda state: {name: value.double() for name, value in state.items()},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_state_dicts_open_as_training_scripts_write_them(
    tmp_path: Path, wrapped: Callable[[State], State], zipped: bool
) -> None:
    torch.save(wrapped(VIT), tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    model = read_checkpoint(tmp_path / "x.pt").network
    assert model.visual.input_resolution == 32
    assert all(parameter.dtype is torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt"])
def test_safetensors_open_whatever_their_name_and_do_not_hang_on_the_file(tmp_path: Path, name: str) -> None:
    for state, width, layers in ((VIT, 64, 2), (RESNET, 8, [1, 1, 1, 1])):
        say_form(tmp_path, width, layers)
        safetensors.torch.save_file(state, tmp_path / name)
        model = load_model(tmp_path / name, "cpu")
        (tmp_path / name).write_bytes(b"")
        assert all(torch.equal(value, state[key].float()) for key, value in model.state_dict().items())


# What does not


def changed(**changes: object) -> State:
    """The vision transformer's weights, some of them others; None takes one away."""
    names = {"conv": CONV, "proj": PROJ, "head": HEAD, "tokens": "token_embedding.weight"}
    state = VIT | {names.get(name, name): value for name, value in changes.items()}
    return {name: value for name, value in state.items() if value is not None}


HUGE = torch.zeros(1, dtype=torch.float16)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"weight": torch.zeros(3)}, "'positional_embedding' is missing, so it is of another network"),
        ({"layer1.0.conv1.weight": torch.zeros(64, 3, 7, 7), "fc.bias": torch.zeros(9)}, "another network"),
        (torch.zeros(3), "it holds something else, of the type Tensor"),
        ([1, 2], "it holds something else, of the type list"),
        ({}, "it holds nothing"),
        ({"state_dict": {}}, "it holds nothing"),
        (VIT | {"epoch": 3}, "'epoch' in it is no weight but of the type int"),
        ({3: torch.zeros(3)}, "'3' in it is no weight but of the type Tensor"),
        (changed(proj=None), "'visual.proj' is missing"),
        (changed(head=None), "'visual.transformer.resblocks.0.attn.in_proj_weight' is missing"),
        (changed(tokens=None), "'token_embedding.weight' is missing"),
        ({name: value for name, value in VIT.items() if ".ln_" not in name}, "more"),
        (changed(extra=torch.zeros(3)), "'extra' is no part of a CLIP"),
        (changed(**{"a\nb" * 300: torch.zeros(3)}), "is no part of a CLIP"),
        (changed(head=VIT[HEAD][:-1]), "has the shape 191 x 64 instead of 192 x 64"),
        (changed(proj=VIT[PROJ].T), "has the shape 32 x 64 instead of 64 x 32"),
        (changed(conv=VIT[CONV][0]), "so it is of another network"),
        (changed(logit_scale=torch.ones(2)), "'logit_scale' has the shape 2 instead of ()"),
        (changed(head=torch.full_like(VIT[HEAD], torch.nan)), "infinite or not a number"),
        (changed(head=torch.full((192, 64), 1e300, dtype=torch.float64)), "infinite"),
        (changed(head=VIT[HEAD].to(torch.int8)), "holds int8 instead of float numbers"),
        (changed(head=VIT[HEAD].to(torch.complex64)), "holds complex64 instead"),
        (changed(head=VIT[HEAD].bool()), "holds bool instead"),
        (changed(head=VIT[HEAD].float().to_sparse()), "a tensor without plain numbers"),
        (changed(head=VIT[HEAD].to("meta")), "a tensor without plain numbers"),
        (changed(head=torch.zeros(0, 64)), "is empty"),
        (changed(head=HUGE.expand(3_000_000, 1_000_000)), "claim 6,0"),
        (changed(conv=torch.zeros(1_000_000, 3, 1, 1, dtype=torch.float16)), "its shapes are those of a network"),
        (changed(positional_embedding=torch.zeros(5000, 64)), "its length of texts would be 5,000"),
        (changed(conv=torch.zeros(64, 3, 600, 600).half()), "its pictures' side would be 2,400"),
        (changed(**{"visual.positional_embedding": torch.zeros(1, 64)}), "its pictures' side would be 0"),
        (changed(**{"visual.positional_embedding": torch.zeros(130**2 + 1, 64)}), "patches along a side would be 130"),
        (
            changed(**{f"transformer.resblocks.{i}": torch.zeros(1) for i in range(300)}),
            "number of blocks would be 300",
        ),
        (changed(conv=torch.zeros(7, 3, 8, 8)), "a width of 7 cannot be shared"),
    ],
)
def test_a_state_dict_of_no_clip(tmp_path: Path, found: object, reason: str) -> None:
    torch.save(found, tmp_path / "x.pt")
    text = refusal(tmp_path / "x.pt")
    assert "is not a CLIP checkpoint. It must be weights of a CLIP" in text
    assert reason in text


@pytest.mark.parametrize("keep", [0, 1, 3, 4, 8, 9, 100, 5_000, 1_000_000, -1])
@pytest.mark.parametrize("kind", ["zip", "pickle", "safetensors", "archive"])
def test_a_file_that_is_cut_off(tmp_path: Path, kind: str, keep: int) -> None:
    path = tmp_path / "x.pt"
    if kind == "archive":
        make_archive(path)
    elif kind == "safetensors":
        safetensors.torch.save_file(VIT, path)
    else:
        torch.save(VIT, path, _use_new_zipfile_serialization=kind == "zip")
    path.write_bytes(path.read_bytes()[:keep])
    assert ("it is empty" if keep == 0 else "it is damaged, cut off, or something else") in refusal(path)


@pytest.mark.parametrize(
    "content", [b"hello\n", b"PK\x03\x04 no archive", bytes(range(256)) * 40, b"\xff" * 8 + b"{", b"\x80\x02}."]
)
def test_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    assert "is not a CLIP checkpoint" in refusal(tmp_path / "x.safetensors")


def test_safetensors_of_another_network(tmp_path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(3)}, tmp_path / "x.safetensors")
    assert "another network" in refusal(tmp_path / "x.safetensors")


def test_no_file(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "none.pt")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in refusal(tmp_path / "pipe")


def test_a_file_that_may_not_be_read(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(torch, "load", fail)
    assert refusal(checkpoint) == f"Could not read {checkpoint}: Permission denied"


def test_too_little_memory(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        torch.empty(2**60)

    monkeypatch.setattr(torch, "load", fail)
    assert "There is too little memory to open" in refusal(checkpoint)


def test_a_file_larger_than_any(tmp_path: Path) -> None:
    with (tmp_path / "x.pt").open("wb") as file:
        file.truncate(2**40)
    assert "it is larger than any: 1,100 GB" in refusal(tmp_path / "x.pt")


def test_a_file_that_unpacks_to_far_more(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(10_000_000)}, tmp_path / "x.pt")
    with zipfile.ZipFile(tmp_path / "x.pt") as plain, zipfile.ZipFile(tmp_path / "y.pt", "w") as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name), zipfile.ZIP_DEFLATED)
    assert "it would unpack to 40 MB" in refusal(tmp_path / "y.pt")


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be replaced")
@pytest.mark.parametrize("how", ["grown", "overwritten", "replaced"])
@pytest.mark.parametrize("fails", [True, False])
def test_a_file_that_changes_while_it_is_read(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, how: str, fails: bool
) -> None:
    read = torch.load

    def load(handle: BinaryIO, map_location: str, weights_only: bool) -> object:
        found = read(handle, map_location=map_location, weights_only=weights_only)
        if how == "replaced":
            # As a training script does it that writes beside and renames.
            other = checkpoint.with_name("other.pt")
            other.write_bytes(checkpoint.read_bytes())
            other.replace(checkpoint)
        else:
            with checkpoint.open("ab" if how == "grown" else "rb+") as file:
                file.write(b"more")
        return [] if fails else found

    monkeypatch.setattr(torch, "load", load)
    assert "changed while it was read" in refusal(checkpoint)


@pytest.mark.parametrize("kind", ["zip", "pickle", "safetensors", "archive"])
def test_the_checksum_is_that_of_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.pt"
    say_form(tmp_path, 64, 2)
    if kind == "archive":
        make_archive(path)
    elif kind == "safetensors":
        safetensors.torch.save_file(VIT, path)
    else:
        torch.save(VIT, path, _use_new_zipfile_serialization=kind == "zip")
    assert read_checkpoint(path, trust_archive=True).sha256 == read_sha256(path)


# Code


@pytest.mark.parametrize("where", ["zip", "pickle", "plain pickle"])
def test_a_payload_is_refused_and_does_not_run(tmp_path: Path, where: str) -> None:
    path, made = tmp_path / "x.pt", tmp_path / "made"
    state = VIT | {"payload": Payload(made)}
    if where == "plain pickle":
        path.write_bytes(pickle.dumps(Payload(made), protocol=2))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=where == "zip")
    text = refusal(path)
    assert not made.exists()
    assert "it holds more than weights" in text or where == "plain pickle"
    # Without the restriction it would have run.
    with suppress(Exception):
        torch.load(path, weights_only=False)
    assert made.exists()


def test_the_official_digests() -> None:
    assert len(official_digests()) == 9
    assert all(len(digest) == 64 for digest in official_digests())
    assert "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af" in official_digests()


def test_an_archive_is_not_even_opened(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was opened"))
    text = refusal(archive)
    assert "is a TorchScript archive, which holds code that runs when it is opened" in text
    assert "--trust-archive" in text
    assert "trust_archive=True" in text


def test_an_archive_that_is_allowed_opens_until_it_changes(archive: Path) -> None:
    with pytest.raises(UntrustedArchive) as refused:
        load_model(archive, "cpu")
    assert refused.value.sha256 == read_sha256(archive)
    model = load_model(archive, "cpu", trust_archive=True)
    wanted = small_vit().state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in model.state_dict().items())
    load_model(archive, "cpu")
    state = archive.stat()
    content = bytearray(archive.read_bytes())
    content[-1] ^= 1
    archive.write_bytes(content)
    os.utime(archive, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(UntrustedArchive):
        load_model(archive, "cpu")


def test_an_archive_of_openais_opens(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "official_digests", lambda: frozenset({read_sha256(archive)}))
    assert read_checkpoint(archive).network.visual.input_resolution == 32


def test_an_archive_of_another_network(tmp_path: Path) -> None:
    torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)).save(str(tmp_path / "x.pt"))
    with pytest.raises(ClipDeskError, match="so it is of another network"):
        read_checkpoint(tmp_path / "x.pt", trust_archive=True)


def test_trust_needs_no_torch() -> None:
    code = "import sys, clipdesk.models.trust; print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "False\n"
