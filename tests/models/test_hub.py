"""Files of the Hugging Face Hub, from a server on this machine that speaks as much of its language as is needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from safetensors.torch import save_file
from typing_extensions import override

from clipdesk.errors import Cancelled, ClipDeskError
from clipdesk.models.transfer import Transfer

pytest.importorskip("huggingface_hub", reason="the extra clipdesk[open-clip] is not installed")

from clipdesk.models.hub import HubFile

BODY = bytes(range(256)) * 400
NAMES = ("weights.safetensors", "weights.bin")


class Hub(BaseHTTPRequestHandler):
    """Has one file, which is no safetensors."""

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass

    def answer(self) -> None:
        there = self.path.startswith("/somebody/model/resolve/") and self.path.endswith("/weights.bin")
        self.send_response(200 if there else 404)
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("ETag", '"an-etag"')
        self.send_header("Content-Length", str(len(BODY) if there else 0))
        if not there:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if there and self.command == "GET":
            self.wfile.write(BODY)

    do_GET = do_HEAD = answer


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubFile]:
    from huggingface_hub import constants

    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    template = constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    yield HubFile("open_clip:Some/model", "somebody/model", NAMES)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_is_downloaded_once_under_the_name_that_is_there(hub: HubFile) -> None:
    seen: list[Transfer] = []
    path = hub.fetch(seen.append)
    assert path.read_bytes() == BODY
    assert path.name == "weights.bin"
    assert hub.on_disk == path
    assert (seen[-1].name, seen[-1].share) == ("open_clip:Some/model", 1)
    seen.clear()
    assert hub.fetch(seen.append) == path
    assert not seen


@pytest.mark.parametrize("inside", ["weights.bin", ""])
def test_a_file_is_found_with_the_configuration_beside_it(
    hub: HubFile, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipdesk.models import hub as module

    monkeypatch.setattr(module, "list_repo_files", lambda _repository: ["README.md", "weights.bin"])
    configs = ("cfg.json", "config.json")
    for names in (("sae.pt",), ("weights.bin",)):
        path = module.fetch_beside("hf:somebody/model", "somebody/model", inside, names, configs)
        assert (path.name, path.read_bytes()) == ("weights.bin", BODY)


def test_several_files_are_asked_about_and_none_is_said(hub: HubFile, monkeypatch: pytest.MonkeyPatch) -> None:
    from clipdesk.models import hub as module

    monkeypatch.setattr(module, "list_repo_files", lambda _repository: ["a/1.pt", "a/2.pt", "b.pt"])
    with pytest.raises(ClipDeskError, match=r"holds 2 files of weights\. .*a/1\.pt, a/2\.pt$"):
        module.fetch_beside("hf:somebody/model/a", "somebody/model", "a", ("sae.pt",), ())
    with pytest.raises(ClipDeskError, match="Could not download hf:somebody/model/c"):
        module.fetch_beside("hf:somebody/model/c", "somebody/model", "c", ("sae.pt",), ())


def test_a_download_can_be_cancelled(hub: HubFile, tmp_path: Path) -> None:
    calls = iter((False, True))
    with pytest.raises(Cancelled):
        hub.fetch(cancelled=lambda: next(calls))
    assert hub.on_disk is None
    assert not list(tmp_path.rglob("*.incomplete"))


@pytest.mark.parametrize("why", ["no file of these names", "no server"])
def test_what_cannot_be_had_is_one_line_that_says_what_to_do(
    hub: HubFile, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from huggingface_hub import constants

    if why == "no server":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    else:
        hub.names = ("other.safetensors", "other.bin")
    with pytest.raises(ClipDeskError, match="Could not download open_clip:Some/model") as caught:
        hub.fetch()
    assert "\n" not in str(caught.value)
    assert "hf download somebody/model" in str(caught.value)
    assert "models--somebody--model" in str(caught.value)


def test_a_repository_on_this_disk_opens_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clipdesk.models import hub
    from clipdesk.models.loading import load_model
    from tests.clips import is_same, openais
    from tests.transformers_names import as_transformers

    true = openais()
    state = {name: value.contiguous().clone() for name, value in as_transformers(true.state_dict()).items()}
    save_file(state, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": {}}))

    def find(repository: str, name: str) -> str | None:
        assert repository == "nobody/clip"
        return str(tmp_path / name) if (tmp_path / name).is_file() else None

    monkeypatch.setattr(hub, "try_to_load_from_cache", find)
    monkeypatch.setattr(hub.HubFile, "_look_up", lambda _: pytest.fail("the web was asked for weights"))
    assert is_same(load_model("hf:nobody/clip", "cpu"), true)


def test_a_repository_in_shards_is_on_this_disk_when_the_last_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipdesk.models import hub

    def find(_: str, name: str) -> str | None:
        return str(tmp_path / name) if (tmp_path / name).is_file() else None

    monkeypatch.setattr(hub, "try_to_load_from_cache", find)
    repository = hub.Repository("nobody/clip")
    assert repository.on_disk is None
    weight_map = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    for shard in weight_map.values():
        assert repository.on_disk is None
        (tmp_path / shard).touch()
    assert repository.on_disk == index


def test_what_another_library_gets_is_taken_from_the_disk_without_asking_anybody(
    hub: HubFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    from clipdesk.models.hub import by_library

    monkeypatch.setattr(HubFile, "check_there", lambda _: pytest.fail("the server was asked"))
    seen: list[tuple[bool, bool]] = []

    def made(here: bool) -> str:
        seen.append((here, constants.HF_HUB_OFFLINE))
        return "tokenizer"

    assert by_library("the tokenizer of X", "somebody/model", NAMES, made) == "tokenizer"
    assert seen == [(True, True)]
    assert not constants.HF_HUB_OFFLINE


def test_what_another_library_gets_is_downloaded_where_there_is_a_connection(hub: HubFile) -> None:
    from clipdesk.models.hub import by_library

    def made(here: bool) -> str:
        if here:
            raise OSError("not on this disk")
        return "tokenizer"

    assert by_library("the tokenizer of X", "somebody/model", NAMES, made) == "tokenizer"


def test_without_a_connection_another_library_is_not_asked_and_the_place_is_said(
    hub: HubFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    from clipdesk.models.hub import by_library

    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")

    def made(here: bool) -> str:
        assert here, "it would try again for a minute"
        raise OSError("not on this disk")

    with pytest.raises(ClipDeskError) as caught:
        by_library("the tokenizer of X", "somebody/model", NAMES, made)
    said = str(caught.value)
    assert said.startswith("Could not download the tokenizer of X from the Hugging Face Hub: ")
    assert "'hf download somebody/model' on another computer" in said
    assert said.endswith(f"copy the folder that this makes to {tmp_path / 'models--somebody--model'}")
