"""Which worker rendered a picture is found in the metadata beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clipdesk.export.beside import read_with_worker
from clipdesk.export.metadata import BatchMetadata, UnitRecord, WorkerRecord, workers_in
from clipdesk.export.metadata_writer import MetadataWriter
from clipdesk.export.png import save_png
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Text, Unit
from tests.recipes import make_recipe

UNIT = Unit(layer="visual.a", index=3)
WORKER = WorkerRecord(name="GPU 0", node="node7", device="NVIDIA H200")


def picture(folder: Path, target: Target = UNIT) -> Path:
    path = folder / "a.png"
    save_png(np.zeros((8, 8, 3), dtype=np.uint8), path, make_recipe(target))
    return path


def test_the_worker_of_the_newest_record_of_the_file_is_found(tmp_path: Path) -> None:
    path = picture(tmp_path)
    assert read_with_worker(path)[1] is None
    writer = MetadataWriter(tmp_path, UNIT.layer, "demo")
    for file, worker in (("a.png", None), ("a.png", WORKER), ("b.png", WORKER.model_copy(update={"node": "node8"}))):
        writer.note(3, UnitRecord(status="done", parameters=make_settings(), file=file, worker=worker))
    found, worker = read_with_worker(path)
    assert found.recipe == make_recipe(UNIT)
    assert worker == WORKER
    assert workers_in(tmp_path, UNIT.layer, "demo") == {
        "a.png": WORKER,
        "b.png": WORKER.model_copy(update={"node": "node8"}),
    }
    # Merged, and beside other units.
    MetadataWriter(tmp_path, UNIT.layer, "demo").settle()
    assert read_with_worker(path)[1] == WORKER
    assert worker.in_words == "GPU 0 on node7, NVIDIA H200"
    assert WorkerRecord(name="worker 1", node="", device="").in_words == "worker 1"


@pytest.mark.parametrize("text", ["{", BatchMetadata(model="other", layer="visual.a").model_dump_json()])
def test_metadata_that_cannot_be_read_does_not_hide_the_picture(tmp_path: Path, text: str) -> None:
    BatchMetadata.path(tmp_path, UNIT.layer).write_text(text)
    assert read_with_worker(picture(tmp_path))[1] is None


def test_a_text_has_no_metadata(tmp_path: Path) -> None:
    assert read_with_worker(picture(tmp_path, Text(text="a star")))[1] is None
