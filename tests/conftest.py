"""Small models for the tests, and a Qt that needs no display."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Before Qt: on Windows torch's libraries must be loaded before Qt's.
import torch  # noqa: I001
from clipdesk.models import loading  # imports clip behind a filter for the warning that it raises

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clip.model import CLIP

from clipdesk.network.inspector import LayerInspector
from clipdesk.models.catalogue import CATALOGUE
from tests.servers import ModelServer

# The tests' own, in every process that they start.
os.environ["CLIPDESK_DATA"] = tempfile.mkdtemp(prefix="clipdesk-tests-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="there is no GPU that CUDA knows"))


VIT_LAYER = "visual.transformer.resblocks.1.mlp.gelu"


def small_vit(seed: int = 0) -> CLIP:
    torch.manual_seed(seed)
    return CLIP(32, 32, 2, 64, 8, 77, 49408, 64, 1, 1).eval().requires_grad_(False)


def small_resnet(seed: int = 0) -> CLIP:
    torch.manual_seed(seed)
    return CLIP(32, 64, (1, 1, 1, 1), 8, None, 77, 49408, 64, 1, 1).eval().requires_grad_(False)


@pytest.fixture
def vit() -> CLIP:
    """A vision transformer of 32 px with 16 patches, 2 blocks, width 64."""
    return small_vit()


@pytest.fixture
def resnet() -> CLIP:
    """A ModifiedResNet of 64 px, one block in each stage."""
    return small_resnet()


@pytest.fixture
def inspector(vit: CLIP) -> LayerInspector:
    return LayerInspector(vit)


@pytest.fixture(scope="session")
def demo() -> CLIP:
    """The embedded model; not to be changed."""
    return loading.load_model("demo", "cpu")


@pytest.fixture
def checkpoint(tmp_path: Path, vit: CLIP) -> Path:
    """A state dict in OpenAI's format, float16."""
    path = tmp_path / "small.pt"
    torch.save({name: value.half() for name, value in vit.state_dict().items()}, path)
    return path


@contextmanager
def serve_model(name: str, body: bytes, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[ModelServer]:
    """A server on this machine instead of OpenAI's, on which a model's file is `body`, and an empty home."""
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setitem(CATALOGUE, name, CATALOGUE[name]._replace(sha256=hashlib.sha256(body).hexdigest()))
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "*")
    with ModelServer(body) as server:
        monkeypatch.setenv("CLIPDESK_MODEL_MIRROR", server.address)
        yield server
