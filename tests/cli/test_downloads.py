"""Commands whose model is not on this disk yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipdesk.models.catalogue import file_of
from clipdesk.network.pool import default_pool
from tests.cli.conftest import Command
from tests.conftest import serve_model
from tests.servers import ModelServer

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
RENDER = ("render", "--model", "ViT-B/32", "--layer", LAYER, "--neuron", "3", "--iterations", "2", "--output", "x.png")
BATCH = ("batch", "--model", "ViT-B/32", "--layer", LAYER, "--neuron-range", "0", "2", "1", "--iterations", "2")


@pytest.fixture
def server(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with serve_model("ViT-B/32", checkpoint.read_bytes(), monkeypatch, tmp_path) as server:
        yield server


def test_in_a_pipe_a_download_is_one_line(clipdesk: Command, server: ModelServer) -> None:
    outcome = clipdesk(*RENDER)
    assert outcome.code == 0
    assert outcome.out == "x.png\n"
    assert outcome.err.startswith("Downloading ViT-B/32 …\nstep")
    assert "Downloading" not in clipdesk(*RENDER).err
    assert len(server.requests) == 1


def test_on_a_terminal_progress_is_shown(
    clipdesk: Command, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    err = clipdesk("layers", "--model", "ViT-B/32").err
    assert "Downloading ViT-B/32 … 7 of 7 MB" in err


def test_the_queue_downloads_too(clipdesk: Command, server: ModelServer) -> None:
    assert clipdesk(*BATCH).code == 0
    (server_file,) = {path for path, _ in server.requests}
    assert server_file == "/ViT-B-32.pt"
    assert len(clipdesk.files("generated_images")) == 3


def test_a_recipe_downloads_its_model_only_if_it_is_asked_for(clipdesk: Command, server: ModelServer) -> None:
    assert clipdesk(*RENDER).code == 0
    file = file_of("ViT-B/32")
    file.unlink()
    default_pool.cache_clear()
    server.requests.clear()
    again = ("render", "--from", "x.png", "--output", "y.png")
    outcome = clipdesk(*again)
    assert outcome.code == 2
    assert outcome.err == (
        "Error: x.png was made with ViT-B/32, which is not on this disk. To download it, add --model ViT-B/32\n"
    )
    assert (server.requests, file.exists()) == ([], False)
    assert clipdesk(*again, "--model", "ViT-B/32").code == 0
    assert file.exists()
    # Now it is on this disk.
    assert clipdesk(*again).code == 0
    assert len(server.requests) == 1


def test_a_download_that_fails_is_one_line(clipdesk: Command, server: ModelServer) -> None:
    server.answers.append(404)
    outcome = clipdesk(*RENDER)
    assert outcome.code == 1
    assert outcome.err.splitlines()[1].startswith("Error: Could not download ViT-B/32 (353 MB): 127.0.0.1 answered 404")
    assert len(outcome.err.splitlines()) == 2
    assert clipdesk.files() == []
