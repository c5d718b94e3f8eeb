"""Models that are open: each is known by the bytes that were read, not by its name."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from pathlib import Path

import pytest
import torch
from clip.model import CLIP

from clipdesk.errors import Cancelled, ClipDeskError, UsageError
from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.checkpoints import Loaded, joined_sha256
from clipdesk.models.loading import read_model
from clipdesk.models.names import Checkpoint, Named, PlainName, parse_name, with_latents
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.latents.sae_lens import write_sae_lens
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import ModelPool, OtherWeightsError, default_pool
from tests.conftest import serve_model, small_vit
from tests.network.latents.perfect import perfect


@pytest.fixture
def name(checkpoint: Path) -> Checkpoint:
    return Checkpoint(checkpoint)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checksums of the files that were read, in their order."""
    found: list[str] = []

    def counted(name: PlainName, path: Path, device: torch.device, *, trust_archive: bool = False) -> Loaded[CLIP]:
        loaded = read_model(name, path, device, trust_archive=trust_archive)
        found.append(loaded.sha256)
        return loaded

    monkeypatch.setattr("clipdesk.network.pool.read_model", counted)
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def overwrite(path: Path, seed: int = 1) -> str:
    """Other weights of the same shapes; their checksum."""
    torch.save({name: value.half() for name, value in small_vit(seed).state_dict().items()}, path)
    return sha256(path)


def test_a_model_is_opened_once_for_each_state_of_its_file(name: Checkpoint, reads: list[str]) -> None:
    pool = ModelPool()
    first = pool.open(name, "cpu")
    assert pool.open(name, "cpu") is first
    assert (first.name, first.sha256, first.device) == (name, sha256(name.path), torch.device("cpu"))
    assert (first.side, first.activation) == (32, "QuickGELU")
    other = overwrite(name.path)
    second = pool.open(name, "cpu")
    assert second is not first
    assert second.sha256 == other
    assert not torch.equal(*(model.network.get_parameter("visual.proj") for model in (first, second)))
    assert pool.open(name, "cpu") is second
    assert len(reads) == 2


def test_what_is_asked_for_and_changes_the_numbers_is_in_the_identity(name: Checkpoint, tmp_path: Path) -> None:
    weights = [{key: value.half() for key, value in small_vit(seed).state_dict().items()} for seed in (0, 1)]
    several, averaged = tmp_path / "several.pt", tmp_path / "averaged.pt"
    torch.save({"first": weights[0], "second": weights[1]}, several)
    torch.save({"model": weights[0], "ema": weights[1]}, averaged)
    pool = ModelPool()
    for file, asked, numbers in (
        (name.path, ("?gelu", "?heads=2", "?heads=4", "?gelu&heads=2"), 5),
        (several, ("?state=first", "?state=second", "?state=second&gelu"), 4),
        (averaged, ("?state=ema",), 2),
    ):
        opened = [pool.open(parse_name(f"{file}{said}"), "cpu") for said in asked]
        assert len({sha256(file), *(each.sha256 for each in opened)}) == numbers
        assert {each.file_sha256 for each in opened} == {sha256(file)}
        assert pool.open(parse_name(f"{file}{asked[0]}"), "cpu").on("cpu").sha256 == opened[0].sha256
    # What changes nothing is not in it, nor how it is written.
    for file, said in ((name.path, "?quickgelu"), (name.path, "?heads=1"), (averaged, "?state=model")):
        assert pool.open(parse_name(f"{file}{said}"), "cpu").sha256 == sha256(file)
    one, other = (pool.open(parse_name(f"{name.path}?{said}"), "cpu") for said in ("gelu&heads=2", "heads=2&gelu"))
    assert one.sha256 == other.sha256


def test_the_weights_of_older_recipes_are_known_by_their_file(name: Checkpoint) -> None:
    said, file = parse_name(f"{name.path}?gelu"), sha256(name.path)
    pool = ModelPool()
    opened = pool.open(said, "cpu", weights=file)
    assert pool.open(said, "cpu", weights=opened.sha256) is opened
    assert pool.kept(said, "cpu", weights=file) is opened
    with pytest.raises(OtherWeightsError):
        pool.open(name, "cpu", weights=opened.sha256)
    overwrite(name.path)
    with pytest.raises(OtherWeightsError):
        ModelPool().open(said, "cpu", weights=file)


def test_what_is_said_of_latents_otherwise_than_by_their_file_is_in_the_identity(
    name: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    folder = tmp_path / "sae"
    write_sae_lens(perfect(64, "visual.transformer.resblocks.1", Tokens.PATCHES), folder)
    pool = ModelPool()
    written = read_latents(folder)
    assert written.tokens is Tokens.PATCHES

    def opened(said: str = "") -> OpenModel:
        return pool.open(with_latents(name, [f"{folder}{said}"]), "cpu")

    usual = joined_sha256([sha256(name.path), written.sha256])
    others = [opened(said) for said in ("?tokens=all", "?tokens=class", "?norm=center", "?layer=0")]
    assert len({usual, *(each.sha256 for each in others)}) == 5
    assert {(each.plain, each.file_sha256) for each in others} == {(sha256(name.path), usual)}
    for said in ("", "?tokens=patches", "?layer=1", "?norm=none", "?bias=added", "?anyway"):
        assert opened(said).sha256 == usual, said
    # By what came of it, however it is written.
    assert opened("?tokens=all&norm=none").sha256 == others[0].sha256
    with pytest.raises(OtherWeightsError):
        pool.open(with_latents(name, [str(folder)]), "cpu", weights=others[0].sha256)


@pytest.mark.skipif(sys.platform == "win32", reason="it keeps no time of the last change")
def test_a_file_whose_time_is_set_back_is_another_file(name: Checkpoint) -> None:
    pool = ModelPool()
    before = name.path.stat()
    first = pool.open(name, "cpu")
    other = overwrite(name.path)
    os.utime(name.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert name.path.stat().st_mtime_ns == before.st_mtime_ns
    assert name.path.stat().st_size == before.st_size
    assert pool.open(name, "cpu").sha256 == other != first.sha256


def test_a_file_that_is_replaced_by_one_of_the_same_time_and_size_is_another_file(
    name: Checkpoint, tmp_path: Path
) -> None:
    pool = ModelPool()
    first = pool.open(name, "cpu")
    before = name.path.stat()
    other = overwrite(tmp_path / "other.pt")
    os.utime(tmp_path / "other.pt", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "other.pt").replace(name.path)
    assert pool.open(name, "cpu").sha256 == other != first.sha256


def test_two_names_of_the_same_bytes_have_the_same_weights(name: Checkpoint, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pt"
    copy.write_bytes(name.path.read_bytes())
    pool = ModelPool()
    assert pool.open(name, "cpu").sha256 == pool.open(Checkpoint(copy), "cpu").sha256


def test_weights_that_are_wanted_are_served_while_they_are_open(name: Checkpoint, reads: list[str]) -> None:
    pool = ModelPool()
    first = pool.open(name, "cpu")
    overwrite(name.path)
    assert pool.open(name, "cpu", weights=first.sha256) is first
    name.path.unlink()
    assert pool.open(name, "cpu", weights=first.sha256) is first
    assert len(reads) == 1
    with pytest.raises(UsageError, match="There is no file"):
        pool.open(name, "cpu")


def test_weights_that_are_wanted_are_refused_where_the_file_has_others(name: Checkpoint) -> None:
    wanted = sha256(name.path)
    other = overwrite(name.path)
    for pool in (ModelPool(), ModelPool()):
        for _ in range(2):
            with pytest.raises(OtherWeightsError) as refused:
                pool.open(name, "cpu", weights=wanted)
            text = str(refused.value)
            assert "\n" not in text
            assert text.startswith("small.pt is another file now than the one this was made with")
            assert f"{other[:8]}…, not {wanted[:8]}…" in text
            assert text.endswith(f"ask again with --model {name.path}")
        assert pool.open(name, "cpu").sha256 == other
        assert pool.open(name, "cpu", weights=other).sha256 == other


def test_a_pool_keeps_what_was_used_last_as_far_as_its_memory_goes(tmp_path: Path, reads: list[str]) -> None:
    names = [Checkpoint(tmp_path / f"{letter}.pt") for letter in "abc"]
    for seed, each in enumerate(names):
        overwrite(each.path, seed)
    one = ModelPool().open(names[0], "cpu").nbytes
    pool = ModelPool(most_bytes=int(2.5 * one))
    first, second = pool.open(names[0], "cpu"), pool.open(names[1], "cpu")
    assert pool.open(names[0], "cpu") is first, "and now it was used last"
    pool.open(names[2], "cpu")
    assert pool.kept(names[0], "cpu") is first
    assert pool.kept(names[1], "cpu") is None
    del reads[:]
    assert pool.open(names[1], "cpu") is not second
    assert len(reads) == 1


def test_the_last_model_stays_however_large(name: Checkpoint, reads: list[str]) -> None:
    pool = ModelPool(most_bytes=1)
    assert pool.open(name, "cpu") is pool.open(name, "cpu")
    assert len(reads) == 1


def test_threads_that_ask_at_once_get_the_same_network(name: Checkpoint, reads: list[str]) -> None:
    pool, found = ModelPool(), list[OpenModel]()
    threads = [threading.Thread(target=lambda: found.append(pool.open(name, "cpu"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len({id(model) for model in found}) == 1
    assert len(reads) == 1


def test_another_model_is_opened_while_one_is_being_opened(
    name: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Checkpoint(tmp_path / "other.pt")
    overwrite(other.path)
    go, inside = threading.Event(), threading.Event()

    def slow(asked: PlainName, path: Path, device: torch.device, *, trust_archive: bool = False) -> Loaded[CLIP]:
        if asked == name:
            inside.set()
            assert go.wait(30)
        return read_model(asked, path, device, trust_archive=trust_archive)

    monkeypatch.setattr("clipdesk.network.pool.read_model", slow)
    pool = ModelPool()
    thread = threading.Thread(target=pool.open, args=(name, "cpu"))
    thread.start()
    assert inside.wait(30)
    assert pool.open(other, "cpu").name == other
    with pytest.raises(Cancelled):
        pool.open(name, "cpu", cancelled=lambda: True)
    go.set()
    thread.join()
    assert pool.kept(name, "cpu") is not None


def test_opening_says_what_it_does_and_can_be_cancelled(name: Checkpoint) -> None:
    said: list[str] = []
    with pytest.raises(Cancelled):
        ModelPool().open(name, "cpu", stage=said.append, cancelled=lambda: True)
    said.clear()
    ModelPool().open(name, "cpu", stage=said.append)
    assert said[0] == "Opening small.pt …"
    assert said[-1] == "Learning its layers …"


def test_a_file_that_cannot_be_opened_leaves_nothing_behind(name: Checkpoint) -> None:
    pool = ModelPool()
    content = name.path.read_bytes()
    name.path.write_bytes(b"something else")
    with pytest.raises(ClipDeskError, match="is not a CLIP checkpoint"):
        pool.open(name, "cpu")
    assert pool.kept(name, "cpu") is None
    name.path.write_bytes(content)
    assert pool.open(name, "cpu").sha256 == sha256(name.path)


def test_a_model_of_the_catalogue_has_the_checksum_of_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path
) -> None:
    with serve_model("ViT-B/32", checkpoint.read_bytes(), monkeypatch, tmp_path) as server:
        pool = ModelPool()
        first = pool.open(Named("ViT-B/32"), "cpu")
        assert first.sha256 == CATALOGUE["ViT-B/32"].sha256
        assert pool.open(Named("ViT-B/32"), "cpu") is first
        assert len(server.requests) == 1


def test_there_is_one_pool_in_a_process() -> None:
    assert default_pool() is default_pool()


@pytest.fixture
def latents(tmp_path: Path) -> Path:
    return write_sae_lens(perfect(64, "1", Tokens.PATCHES), tmp_path / "own")


def test_latents_are_part_of_a_model_and_of_its_identity(name: Checkpoint, latents: Path) -> None:
    pool = ModelPool()
    plain, both = pool.open(name, "cpu"), pool.open(with_latents(name, [str(latents)]), "cpu")
    assert both.network is plain.network
    assert both.sha256 == joined_sha256([plain.sha256 or "", read_latents(latents).sha256])
    assert str(both.name) == f"{name}+sae:[{latents}]"
    assert "visual.transformer.resblocks.1.latents" in both.inspector.layers
    assert "visual.transformer.resblocks.1.latents" not in plain.inspector.layers
    assert any("128 latents" in remark for remark in both.remarks)
    by_hand = plain.with_latents(str(latents))
    assert (by_hand.name, by_hand.sha256, by_hand.latents[0].fit) == (both.name, both.sha256, both.latents[0].fit)
    again = by_hand.with_latents(str(latents), str(latents))
    assert (again.name, again.sha256, len(again.latents)) == (both.name, both.sha256, 1), "it has them already"
    assert pool.open(with_latents(name, [str(latents)]), "cpu", weights=both.sha256) is both


def test_a_file_of_latents_that_changes_is_read_again(name: Checkpoint, latents: Path) -> None:
    pool, whole = ModelPool(), with_latents(name, [str(latents)])
    first = pool.open(whole, "cpu")
    assert pool.open(whole, "cpu") is first
    write_sae_lens(perfect(64, "0", Tokens.PATCHES), latents)
    second = pool.open(whole, "cpu")
    assert "visual.transformer.resblocks.0.latents" in second.inspector.layers
    with pytest.raises(OtherWeightsError):
        ModelPool().open(whole, "cpu", weights=first.sha256)
    # One that is still open is used, as for any model.
    assert pool.open(whole, "cpu", weights=first.sha256) is first
