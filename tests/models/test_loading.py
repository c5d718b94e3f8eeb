import hashlib
from pathlib import Path

import pytest
import torch
from clip.model import CLIP, convert_weights

from clipdesk.errors import Cancelled, ClipDeskError, UsageError
from clipdesk.models.catalogue import CATALOGUE, SHOWPIECES, file_of
from clipdesk.models.loading import available_devices, load_model, read_model, resolve_device
from clipdesk.models.names import Checkpoint, Named, find_name
from clipdesk.models.texts import tokenize
from clipdesk.models.transfer import Transfer
from clipdesk.network.inspector import LayerInspector
from tests.conftest import serve_model


def assert_ready(model: CLIP) -> None:
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())
    assert not model.training


def test_the_embedded_model_opens_in_float32(demo: CLIP) -> None:
    assert_ready(demo)
    assert demo.visual.input_resolution == 128


@pytest.mark.parametrize("name", SHOWPIECES)
def test_the_embedded_models_are_small_and_in_openais_format(name: str) -> None:
    state = torch.load(file_of(name), weights_only=True)
    assert file_of(name).stat().st_size <= 25e6
    assert state["token_embedding.weight"].shape[0] == 49_408
    assert state["positional_embedding"].shape[0] == 77
    assert all(value.dtype == torch.float16 for value in state.values() if value.is_floating_point())


@pytest.mark.parametrize("name", SHOWPIECES)
def test_what_is_shown_first_of_an_embedded_model_is_there(name: str) -> None:
    layer, unit = SHOWPIECES[name]
    model = load_model(name, "cpu")
    assert_ready(model)
    assert LayerInspector(model).check_unit(layer, unit).name == layer


def test_a_state_dict_opens(checkpoint: Path, vit: CLIP) -> None:
    model = load_model(checkpoint, "cpu")
    assert_ready(model)
    weights = vit.state_dict()
    assert all(torch.equal(value, weights[name].half().float()) for name, value in model.state_dict().items())


def test_a_model_comes_with_the_checksum_of_the_bytes_that_were_read(checkpoint: Path) -> None:
    loaded = read_model(Checkpoint(checkpoint), checkpoint, torch.device("cpu"))
    assert_ready(loaded.network)
    assert loaded.sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()


def test_a_resnet_opens(tmp_path: Path, resnet: CLIP) -> None:
    torch.save(resnet.state_dict(), tmp_path / "rn.pt")
    assert_ready(load_model(tmp_path / "rn.pt", "cpu"))


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_torchscript_archive_opens(tmp_path: Path, vit: CLIP) -> None:
    example = (torch.rand(1, 3, 32, 32), tokenize(["a star"]))
    convert_weights(vit)
    traced = torch.jit.trace(vit.float(), example, check_trace=False)
    traced.save(str(tmp_path / "jit.pt"))
    assert_ready(load_model(tmp_path / "jit.pt", "cpu", trust_archive=True))


@pytest.mark.parametrize("content", [b"", b"hello\n", b"PK\x03\x04 no archive", bytes(range(256)) * 40])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(ClipDeskError, match=r"is not a CLIP checkpoint\. It must be"):
        load_model(path, "cpu")


def test_a_state_dict_of_something_else(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "x.pt")
    with pytest.raises(ClipDeskError, match="is not a CLIP checkpoint"):
        load_model(tmp_path / "x.pt", "cpu")


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return (Path.touch, (tmp_path / "touched",))  # type: ignore[return-value]

    torch.save({"visual.proj": Evil()}, tmp_path / "x.pt")
    with pytest.raises(ClipDeskError):
        load_model(tmp_path / "x.pt", "cpu")
    assert not (tmp_path / "touched").exists()


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no model or file 'ViT-B/3'.*ViT-B/32"):
        load_model("ViT-B/3")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ClipDeskError, match="is a folder") as refused:
        find_name(str(tmp_path))
    assert refused.value.exit_code == 1


def test_a_failed_download_says_where_the_file_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve_model("ViT-B/32", bytes(10), monkeypatch, tmp_path) as server:
        server.answers.append(404)
        with pytest.raises(ClipDeskError, match=r"Could not download ViT-B/32 \(353 MB\): .*404.*ViT-B-32.pt"):
            load_model("ViT-B/32", "cpu")


def test_an_official_model_is_downloaded_and_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path
) -> None:
    told: list[Transfer] = []
    with serve_model("ViT-B/32", checkpoint.read_bytes(), monkeypatch, tmp_path) as server:
        for _ in range(2):
            assert_ready(load_model("ViT-B/32", "cpu", progress=told.append))
        assert len(server.requests) == 1
        assert told[-1].share == 1
        loaded = read_model(Named("ViT-B/32"), file_of("ViT-B/32"), torch.device("cpu"))
        assert loaded.sha256 == CATALOGUE["ViT-B/32"].sha256


def test_a_download_is_cancelled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (
        serve_model("ViT-B/32", bytes(10), monkeypatch, tmp_path),
        pytest.raises(Cancelled),
    ):
        load_model("ViT-B/32", "cpu", cancelled=lambda: True)


def test_all_nine_official_models_are_in_the_catalogue() -> None:
    import clip

    assert set(clip.available_models()) < set(CATALOGUE)


def test_devices() -> None:
    assert available_devices()[-1] == "cpu"
    assert resolve_device("cpu") == torch.device("cpu")
    with pytest.raises(UsageError, match="no device 'gpu'"):
        resolve_device("gpu")
    with pytest.raises(ClipDeskError, match=r"'cuda:99' is not there\. Use one of: .*cpu"):
        resolve_device("cuda:99")
