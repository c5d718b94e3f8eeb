"""Shards: which pictures they have, what is kept of them as files, and what a pass that goes on makes of those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from clip.model import CLIP

from clipdesk.activations.scan import ScanState, new_state, scan
from clipdesk.activations.shards import (
    Part,
    Piece,
    Shard,
    ShardFiles,
    indices_of,
    read_shard,
    remove_shards,
    shard_of,
    size_of_shards,
)
from clipdesk.errors import ClipDeskError
from clipdesk.network.opened import OpenModel
from tests.activations.sets import Drawn, random_set

LAYER = "visual.transformer.resblocks.1"


@pytest.mark.parametrize(
    ("indices", "shard"),
    [(range(3, 9), ((3, 9),)), ([3, 4, 5], ((3, 6),)), ([0, 2, 3, 9], ((0, 1), (2, 4), (9, 10))), ([], ())],
)
def test_indices_are_runs(indices: Sequence[int], shard: Shard) -> None:
    assert shard_of(indices) == shard
    assert list(indices_of(shard)) == list(indices)


@pytest.mark.parametrize(
    ("pictures", "workers", "size", "found"),
    [
        (5000, 2, 10**6, 320),
        (5000, 1, 10**6, 320),
        (640, 2, 10**6, 320),
        (90, 3, 10**6, 32),
        (2000, 2, 93 * 10**6, 512),
        (10**6, 8, 10**9, 9616),
    ],
)
def test_shards_are_whole_batches_as_many_for_each_worker_and_not_too_small_for_their_sums(
    pictures: int, workers: int, size: int, found: int
) -> None:
    assert size_of_shards(pictures, workers, size, 16) == found


def read(opened: OpenModel, images: Drawn, shard: Shard, files: ShardFiles) -> None:
    done = 0
    for each in read_shard(opened, images, [LAYER], "float32", shard):
        if isinstance(each, Piece):
            files.take(shard, each.start, each.data)
            done = each.done
    files.finish(shard, done)


def added(files: ShardFiles, opened: OpenModel, state: ScanState | None = None) -> ScanState:
    state = state or new_state(opened, [LAYER])
    files.add_up(state, lambda: new_state(opened, [LAYER]))
    return state


def test_files_are_added_up_in_order_and_found_again_after_a_kill(vit: CLIP, tmp_path: Path) -> None:
    opened, images = OpenModel.of(vit), random_set(70, 16, broken=(3, 40))
    files = ShardFiles(tmp_path, range(70))
    one, two, three = files.missing(32)
    assert (one, two, three) == (((0, 32),), ((32, 64),), ((64, 70),))
    read(opened, images, three, files)
    read(opened, images, one, files)
    state = added(files, opened)
    assert (state.done, files.done) == (32, 38), "the third waits for the second"
    assert files.missing(32) == [two]
    (tmp_path / "shard-32.writing").write_bytes(b"half")
    # A head that begins anew, from nothing.
    again = ShardFiles(tmp_path, range(70))
    assert (again.done, again.missing(16)) == (38, [((32, 48),), ((48, 64),)])
    read(opened, images, ((32, 48),), again)
    read(opened, images, ((48, 64),), again)
    state = added(again, opened)
    assert again.missing(16) == []
    *_, whole = scan(opened, images, [LAYER])
    assert [each.id for each in state.surveyed] == [each.id for each in whole.state.surveyed]
    assert state.left_out == whole.state.left_out
    # From a checkpoint that has the first one.
    remove_shards(tmp_path, 32)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"shard-32-48-16", "shard-48-64-16", "shard-64-70-6"}
    remove_shards(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_and_one_of_other_pictures_are_read_again(vit: CLIP, tmp_path: Path) -> None:
    opened, images = OpenModel.of(vit), random_set(32, 16)
    files = ShardFiles(tmp_path, range(32))
    read(opened, images, ((0, 16),), files)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    assert added(files, opened).done == 0
    assert files.missing(32) == [((0, 32),)]
    for name in ("shard-0-16-9", "shard-1-16-15", "shard-16-40-24"):
        (tmp_path / name).touch()
    assert ShardFiles(tmp_path, [0, *range(2, 32)]).done == 0
    assert not list(tmp_path.iterdir())


def test_who_stops_gets_what_was_found_so_far(vit: CLIP, tmp_path: Path) -> None:
    opened, images = OpenModel.of(vit), random_set(400, 8)
    found = list(read_shard(opened, images, [LAYER], "float32", ((0, 400),), lambda: True))
    assert [type(each) for each in found[:2]] == [Part, Piece]
    assert {each.done for each in found} == {160}
    files = ShardFiles(tmp_path, range(400))
    for piece in found[1:]:
        assert isinstance(piece, Piece)
        files.take(((0, 400),), piece.start, piece.data)
    files.finish(((0, 400),), 160)
    assert added(files, opened).done == 160
    assert files.missing(400) == [((160, 400),)]


def test_no_room_for_temporary_files_is_an_error_in_words(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(ClipDeskError, match=r"^Cannot write to .*gone: No such file or directory$"):
        list(read_shard(OpenModel.of(vit), random_set(2, 8), [LAYER], "float32", ((0, 2),)))
