"""Small models for the tests, a Qt that needs no display, and a home for each process that runs tests."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before torch, and for every process that a test starts: `make test` runs one worker for each of two cores, and a sum
# over two threads is not that of one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Before Qt: on Windows torch's libraries must be loaded before Qt's.
import torch  # noqa: I001
from clipdesk.models import loading  # imports clip behind a filter for the warning that it raises

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clip.model import CLIP

from clipdesk.models.catalogue import CATALOGUE
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.pool import default_pool
from tests.servers import ModelServer

# Nothing of the user's is read or changed, and a worker shares nothing with another; likewise the processes it starts.
_OWN = tempfile.mkdtemp(prefix="clipdesk-tests-")
os.environ["CLIPDESK_DATA"] = os.path.join(_OWN, "data")
os.environ["HOME"] = os.path.join(_OWN, "home")
os.environ["XDG_STATE_HOME"] = os.path.join(_OWN, "state")
os.mkdir(os.environ["HOME"])


def pytest_unconfigure() -> None:
    shutil.rmtree(_OWN, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="there is no GPU that CUDA knows"))


@pytest.fixture(autouse=True)
def _own_pool() -> Iterator[None]:
    """Let go of the models that a test opened: the process's pool would keep each of them, up to 6 GiB."""
    yield
    default_pool.cache_clear()


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
