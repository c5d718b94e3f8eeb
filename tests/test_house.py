"""The house's own rules: each module without Qt has a test file of the same name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE, TESTS = ROOT / "clipdesk", ROOT / "tests"

TESTED_AS_A_WHOLE = {
    "cli": "people use commands, not modules: tests/cli runs whole command lines",
}
"""Folders of `clipdesk` whose tests do not mirror them, each with the reason."""

TESTED_THROUGH = {
    "__init__": "test_api.py: the public Python API",
    "__main__": "cli/test_processes.py: `python -m clipdesk`",
    "version": "a constant",
    "activations/autoencoders/trainer": "activations/autoencoders/test_saelens.py: a protocol, and the one there is",
    "activations/checkpoints": "activations/test_surveying.py: surveys that were stopped",
    "activations/comparing/checkpoints": "activations/comparing/test_keeping.py: comparisons that were stopped",
    "activations/comparing/manifests": "cli/test_comparisons.py: comparisons that are listed and deleted",
    "activations/comparing/results": "activations/comparing/test_making.py: what a pass has found",
    "activations/comparing/storing": "activations/comparing/test_keeping.py: comparisons as folders",
    "activations/decoding": "activations/test_scan.py: the pictures of a pass",
    "activations/extremes": "activations/test_sums.py: a part of them",
    "activations/histograms": "activations/test_sums.py: a part of them",
    "activations/moments": "activations/test_sums.py: a part of them",
    "activations/reading": "activations/test_scan.py: what a pass reads",
    "activations/storing": "activations/test_surveying.py: surveys as folders",
    "activations/comparing/timeline": "cli/test_timelines.py: a unit over three checkpoints",
    "export/timeline": "cli/test_timelines.py: numbers as JSON and CSV, and a page",
    "export/comparison_parts": "cli/test_comparisons.py: a page with all of its parts",
    "demo/export": "demo/test_model.py: the file that it has written, opened as any other",
    "demo/recipes": "demo/test_train.py: numbers that only a training can judge",
    "gui/computing": "gui/test_estimates.py and gui/test_window.py: what the threads of a real window do with torch",
    "gui/problems": "gui/test_faults.py: each fault as the window reports it",
    "gui/comparisons/data": "gui/test_comparisons.py: what the page of a comparison shows",
    "gui/surveys/checks": "gui/test_offered_check.py and gui/test_checked_picture.py: checks that a window asks for",
    "gui/surveys/exporting": "gui/test_surveys.py: pages that the window exports",
    "gui/windows": "gui/test_app.py: it acts on Windows only",
    "gui/wiring": "gui/test_window.py: the parts of a real window, joined as it joins them",
    "gui/item_models/structure": "gui/item_models/test_layers.py: data of the tree of layers",
    "imagesets/suffixes": "imagesets/test_opening.py: constants",
    "database": "jobs/test_store.py and jobs/test_rescue.py: the queue is one of these files",
    "jobs/database": "jobs/test_store.py: every statement goes through the store",
    "network/file_states": "network/test_pool.py: models whose files change",
    "network/placing": "render/test_loop.py and network/test_opened.py: models on other devices",
    "network/latents/places": "cli/test_latents.py: files, folders and repositories",
    "jobs/whole": "jobs/test_set_work.py and jobs/test_autoencoder_work.py: what surveys and trainings share",
    "jobs/executor": "jobs/test_here.py: a protocol, and the first executor there was",
    "jobs/sharding": "jobs/executors/test_divided.py: the workers of a survey",
    "jobs/executors/fleet": "jobs/executors/test_local.py: a protocol, and the first fleet there was",
    "jobs/executors/pipe": "jobs/executors/test_local.py: what the processes run",
    "jobs/executors/relay": "jobs/executors/test_spool.py: the other end of a head's letters",
    "jobs/executors/rounds": "jobs/executors/test_many.py: what becomes of units and of workers",
    "jobs/executors/worker": "jobs/executors/test_many.py: the other end of all that is asked there",
    "models/configs": "models/test_evidence.py: a configuration beside the weights, as one of the sources",
    "models/package": "models/test_lazily.py: what is imported, in a fresh process",
    "models/states": "models/test_checkpoints.py: state dicts come from files",
    "models/stream": "models/test_downloads.py: against a server that misbehaves",
    "render/optimization": "render/test_loop.py: the batch that the loop moves on",
    "scenes/dataset": "demo/test_train.py and scenes/test_captions.py: sets of scenes are what they train on",
    "scenes/shapes": "scenes/test_scenes.py: outlines, looked at as drawn scenes",
}
"""Modules without a test file of their own, each with the file that tests them."""


def modules() -> list[str]:
    """The modules that import no Qt, such as ``render/settings``; empty ``__init__`` files are left out."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).with_suffix("").as_posix()
        text = path.read_text(encoding="utf-8")
        knows_qt = re.search(r"^\s*(from|import) (PySide6|pyqtgraph|shiboken6)\b", text, re.MULTILINE)
        holds_code = not name.endswith("/__init__") or re.search(r"^(def|class) ", text, re.MULTILINE)
        if not knows_qt and holds_code and name.partition("/")[0] not in TESTED_AS_A_WHOLE:
            found.append(name)
    return found


def mirrored(module: str) -> Path:
    folder, _, name = module.rpartition("/")
    return TESTS / folder / f"test_{name}.py"


def test_the_modules_are_found() -> None:
    found = modules()
    assert len(found) > 70
    assert {"errors", "render/settings", "jobs/store", "export/png", "network/inspector", "gui/words"} <= set(found)
    assert "gui/main_window" not in found


@pytest.mark.parametrize("module", modules())
def test_a_module_has_a_test_file_of_its_name(module: str) -> None:
    own = mirrored(module)
    if module in TESTED_THROUGH:
        assert not own.exists(), f"{module} has a test file now: take it out of TESTED_THROUGH"
    else:
        assert own.exists(), f"write tests/{own.relative_to(TESTS).as_posix()}, or say in TESTED_THROUGH what tests it"


@pytest.mark.parametrize("reason", TESTED_THROUGH.values())
def test_the_named_test_files_exist(reason: str) -> None:
    named = re.match(r"(?:\w+/)*test_\w+\.py", reason)
    assert named is None or (TESTS / named[0]).exists()
