import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.scenes.compositions import FACES, WORDS, Composition, draw_composition, sample_composition, sample_name
from clipdesk.scenes.scenes import COLOR_NAMES, COLORS, SHAPE_NAMES, Scene, is_held_out

STAR = Scene("star", "red", "plain", "white")
HEART = Scene("heart", "blue", "plain", "white")
NONE = [-1, -1, -1, -1]
WHITE = COLOR_NAMES.index("white")


def near(picture: NDArray[np.uint8], color: str) -> NDArray[np.bool_]:
    """Mask of the pixels with about this colour, (128, 128)."""
    return np.asarray(np.abs(picture.astype(int) - COLORS[color]).max(axis=-1) < 45)


def written(word: str, face: str, seed: int = 0) -> NDArray[np.bool_]:
    """Mask of the pixels in which a lone word is more ink than paper, (128, 128)."""
    composition = Composition((), "white", word, "black")
    picture = draw_composition(composition, np.random.default_rng(seed), face=face)
    return np.asarray(picture.mean(axis=-1) < 130)


@pytest.mark.parametrize(
    ("composition", "things"),
    [
        (Composition((STAR,), "white"), [list(STAR.factors), NONE, NONE]),
        (Composition((STAR, HEART), "white"), [list(STAR.factors), list(HEART.factors), NONE]),
        (Composition((STAR,), "white", "heart", "blue"), [list(STAR.factors), NONE, NONE]),
        (Composition((), "white", "red", "blue"), [NONE, NONE, [-1, COLOR_NAMES.index("blue"), -1, WHITE]]),
        (
            Composition((), "white", "heart", "blue"),
            [NONE, NONE, [SHAPE_NAMES.index("heart"), COLOR_NAMES.index("blue"), -1, WHITE]],
        ),
    ],
    ids=["one object", "two objects", "a word beside an object", "a colour's name", "a shape's name"],
)
def test_the_factors_of_a_picture(composition: Composition, things: list[list[int]]) -> None:
    assert composition.things.tolist() == things


def test_the_contents_of_training_pictures() -> None:
    rng = np.random.default_rng(0)
    drawn = [sample_composition(rng) for _ in range(4_000)]
    assert 0.22 < np.mean([len(c.objects) == 2 for c in drawn]) < 0.28
    assert 0.10 < np.mean([c.word != "" for c in drawn]) < 0.14
    alone = [c for c in drawn if not c.objects]
    assert 0.5 < len(alone) / sum(c.word != "" for c in drawn) < 0.7
    assert {c.word for c in drawn} == {"", *WORDS}
    for composition in drawn:
        shown = [(scene.shape, scene.color) for scene in composition.objects]
        shown += [(composition.word, composition.ink)] * (composition.word in SHAPE_NAMES)
        assert not any(is_held_out(shape, color) for shape, color in shown), composition
        assert all(scene.background == composition.background for scene in composition.objects)
        assert composition.background not in [scene.color for scene in composition.objects] + [composition.ink]
        assert bool(composition.word) == bool(composition.ink)


def test_two_objects_differ_in_more_than_their_place() -> None:
    rng = np.random.default_rng(1)
    pairs = [c.objects for c in (sample_composition(rng) for _ in range(2_000)) if len(c.objects) == 2]
    assert all(first != second for first, second in pairs)


@pytest.mark.parametrize("seed", range(8))
def test_both_objects_can_be_seen(seed: int) -> None:
    picture = draw_composition(Composition((STAR, HEART), "white"), np.random.default_rng(seed))
    assert picture.shape == (128, 128, 3)
    assert picture.dtype == np.uint8
    assert near(picture, "red").sum() > 300
    assert near(picture, "blue").sum() > 300


@pytest.mark.parametrize("face", FACES)
def test_every_face_writes_every_name_into_the_picture(face: str) -> None:
    for word in WORDS:
        ink = written(word, face, seed=len(word))
        assert 100 < ink.sum() < 0.4 * ink.size, word
        columns = np.flatnonzero(ink.any(axis=0))
        assert columns[-1] - columns[0] > 60, word
        # Whole letters: the writing ends before the picture does.
        assert not ink[[0, -1]].any(), word
        assert not ink[:, [0, -1]].any(), word


@pytest.mark.parametrize("face", FACES)
def test_names_are_told_apart_by_their_letters(face: str) -> None:
    """Drawn with the same generator, each name has its own ink."""
    pictures = [written(word, face).tobytes() for word in WORDS]
    assert len(set(pictures)) == len(WORDS)


def test_faces_differ() -> None:
    inks = {face: written("heart", face, seed=3) for face in FACES}
    for i, first in enumerate(FACES):
        for second in FACES[i + 1 :]:
            assert (inks[first] != inks[second]).sum() > 100, (first, second)
    assert inks["bold"].sum() > 1.1 * inks["regular"].sum()
    assert inks["outlined"].sum() < inks["bold"].sum()


@pytest.mark.parametrize("seed", range(8))
def test_a_word_stands_clear_of_the_object_beside_it(seed: int) -> None:
    composition = Composition((STAR,), "white", "heart", "blue")
    picture = draw_composition(composition, np.random.default_rng(seed))
    assert near(picture, "red").sum() > 300
    assert near(picture, "blue").sum() > 60


def test_the_same_generator_draws_the_same_picture() -> None:
    composition = Composition((), "white", "heart", "blue")
    first, again, other = (draw_composition(composition, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_lone_names_are_mostly_those_of_shapes() -> None:
    rng = np.random.default_rng(2)
    drawn = [sample_name(rng) for _ in range(2_000)]
    assert all(not c.objects and c.ink != c.background for c in drawn)
    shapes = [c for c in drawn if c.word in SHAPE_NAMES]
    assert 0.85 < len(shapes) / len(drawn) < 0.97
    assert not any(is_held_out(c.word, c.ink) for c in shapes)
    assert {c.word for c in drawn} == set(WORDS)
