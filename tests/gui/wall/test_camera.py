"""Where the wall is looked at, and from how near."""

from __future__ import annotations

import pytest

from clipdesk.gui.wall.camera import Camera, Stage

STAGE = Stage(width=600, height=400, columns=30, rows=20)


def test_the_whole_wall_fits_into_the_view() -> None:
    camera = Camera.of_all(STAGE)
    assert camera.side == 20
    assert camera.sees_all(STAGE)
    assert camera.point_of(0, 0, STAGE) == (0, 0)
    assert camera.point_of(30, 20, STAGE) == (600, 400)


def test_one_tile_fills_the_view() -> None:
    camera = Camera.of_one(29, 0, STAGE)
    assert camera.side == 400
    assert camera.point_of(29, 0, STAGE) == (100, 0)


@pytest.mark.parametrize("factor", [0.9, 1.5, 4])
def test_the_point_under_the_mouse_stays_there(factor: float) -> None:
    camera, at = Camera(15, 10, 60), (250, 130)
    before = camera.cell_at(*at, STAGE)
    assert camera.zoomed(factor, at, STAGE).cell_at(*at, STAGE) == pytest.approx(before)


def test_zooming_ends_at_one_tile_and_at_all() -> None:
    assert Camera(15, 10, 60).zoomed(1000, (0, 0), STAGE).side == 400
    assert Camera(15, 10, 60).zoomed(0.001, (0, 0), STAGE) == Camera.of_all(STAGE)


def test_the_view_does_not_leave_the_wall() -> None:
    camera = Camera(15, 10, 60).moved(-100_000, 100_000, STAGE)
    assert camera.point_of(30, 0, STAGE) == pytest.approx((600, 0))


def test_a_wall_that_is_narrower_than_the_view_stays_in_its_middle() -> None:
    stage = Stage(width=800, height=400, columns=10, rows=20)
    assert Camera(1, 1, 20).bounded(stage) == Camera(5, 10, 20)


def test_a_cell_is_shown_by_the_smallest_move() -> None:
    camera = Camera(15, 10, 60)
    assert camera.showing(15, 10, STAGE) == camera
    assert camera.showing(25, 10, STAGE).point_of(26, 10, STAGE)[0] == pytest.approx(600)
    assert camera.showing(2, 10, STAGE).point_of(2, 10, STAGE)[0] == pytest.approx(0)


def test_on_the_way_the_point_under_the_mouse_stays_too() -> None:
    start, at = Camera(15, 10, 60), (420, 300)
    goal = start.zoomed(3, at, STAGE)
    for share in (0.0, 0.3, 0.7, 1.0):
        between = start.toward(goal, share)
        assert between.cell_at(*at, STAGE) == pytest.approx(start.cell_at(*at, STAGE))
    assert start.toward(goal, 1) == goal


def test_halfway_along_a_move_is_the_middle() -> None:
    assert Camera(10, 10, 60).toward(Camera(12, 8, 60), 0.5) == Camera(11, 9, 60)
