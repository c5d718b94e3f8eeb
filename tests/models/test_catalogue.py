import subprocess
import sys
from pathlib import Path

import pytest
from clip.clip import _MODELS

from clipdesk.models.catalogue import CATALOGUE, SHOWPIECES, file_of


def test_openais_addresses_are_those_of_the_clip_package() -> None:
    addresses = {model.name: model.address for model in CATALOGUE.values() if model.address}
    assert addresses == _MODELS
    assert set(CATALOGUE) == {*_MODELS, *SHOWPIECES}


@pytest.mark.parametrize("name", _MODELS)
def test_a_file_is_where_the_clip_package_puts_it(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert file_of(name) == tmp_path / ".cache" / "clip" / _MODELS[name].split("/")[-1]


def test_all_have_a_licence() -> None:
    assert {model.licence for model in CATALOGUE.values()} == {"MIT"}


def test_listing_the_models_imports_neither_torch_nor_what_downloads_them() -> None:
    program = (
        "import sys\nfrom clipdesk.cli import main\ntry:\n    main(['models'])\nfinally:\n"
        "    assert not {'torch', 'clip', 'urllib3'} & set(sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "ViT-L/14@336px" in found.stdout
